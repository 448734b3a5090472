//! Kickstart files from other places than the medium: a web server, another disk, the machine itself.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::guest::{file, root, run, xtask};
use super::login;
use super::server::Server;

/// Must not be seen on any console.
const PASSWORD: &str = "only-the-file-knows";

fn kickstart() -> String {
    format!(
        r#"{{"packages": ["minimal"], "password": {{"text": "{PASSWORD}", "crypted": false}}, "eject_cdrom": false, "finish": "poweroff"}}"#
    )
}

/// Starts a machine with an empty disk, until it switches itself off. It reaches the host as 10.0.2.2.
fn install(folder: &Path, image: &Path, further: &[&str]) {
    let drive = format!("file={},if=none,id=target,format=raw", target(folder).display());
    let image = image.to_str().expect("a path in UTF-8");
    let mut words = vec![image, "--", "-drive", &drive, "-device", "virtio-blk-pci,drive=target"];
    words.extend(further);
    let console = run(&words, "the installer's word that it is done, and the machine's end");
    assert!(console.contains("Installed. What took longest:"), "the installer did not say that it was done");
    assert!(!console.contains(PASSWORD), "the password is on the console");
    for word in ["[FAILED]", "Could not detach"] {
        assert!(!console.contains(word), "the medium's end is an error: {word}");
    }
}

fn target(folder: &Path) -> PathBuf {
    let disk = folder.join("target.raw");
    File::create(&disk).and_then(|file| file.set_len(4 << 30)).unwrap();
    disk
}

/// Started over the network, by a script that sets nothing but the kickstart file's address.
pub fn from_a_server() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let server = Server::start(kickstart());
    let start = folder.path().join("site.pxe.tar");
    let script = format!("#!ipxe\nset ks http://10.0.2.2:{}/ks.json\nchain install.ipxe\n", server.port);
    with_script(&root().join("out/kaon-minimal.pxe.tar"), &script, &start);
    install(folder.path(), &start, &[]);
    assert!(!server.requests().is_empty(), "nobody asked for the file");
}

/// Copies a network start; `script` is what iPXE begins with.
fn with_script(from: &Path, script: &str, to: &Path) {
    let mut copy = tar::Builder::new(File::create(to).unwrap());
    for entry in tar::Archive::new(File::open(from).unwrap()).entries().unwrap() {
        let mut entry = entry.unwrap();
        let (path, mut header) = (entry.path().unwrap().into_owned(), entry.header().clone());
        if path == Path::new("boot.ipxe") {
            header.set_size(script.len() as u64);
            copy.append_data(&mut header, &path, script.as_bytes()).unwrap();
        } else {
            copy.append_data(&mut header, &path, &mut entry).unwrap();
        }
    }
    copy.finish().unwrap();
}

/// From a disk that is found by its label, as the medium's own arguments say. It is the emulator's picture of a folder.
pub fn from_another_disk() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let text = fs::read_to_string(root().join("images/minimal.toml")).unwrap();
    let described = file(folder.path(), "site.toml", (text + "arguments = [\"ks=LABEL=ANSWERS:/ks.json\"]\n").as_bytes());
    let iso = folder.path().join("site.iso");
    xtask(&["build-iso".as_ref(), described.as_os_str(), "--output".as_ref(), iso.as_os_str()]);
    let shown = folder.path().join("shown");
    fs::create_dir(&shown).unwrap();
    file(&shown, "ks.json", kickstart().as_bytes());
    let disk = format!("driver=vvfat,node-name=answers,dir={},label=ANSWERS,read-only=on", shown.display());
    install(folder.path(), &iso, &["-blockdev", &disk, "-device", "virtio-blk-pci,drive=answers"]);
}

/// What is asked of the machine that was installed by [`found_in_the_machine`].
pub fn look() -> String {
    let first = "while read -r line; do fact first-start \"$line\"; done < <(until [ \"$(wc -l </etc/first-start)\" = 2 ]; do sleep 1; done; cat /etc/first-start)\n\
                 fact boot-type \"$(findmnt -n -o FSTYPE /boot)\"\n";
    format!("{first}{}", login::script("root", "uname -n"))
}

/// A file as it was written for Photon OS, which the stock medium finds in the machine, without a kernel argument, as it finds one in guestinfo
/// where there is VMware's hypervisor: the emulator has no such variables. Returns the disk.
pub fn found_in_the_machine(folder: &Path) -> PathBuf {
    let text = format!(
        r##"{{
            "hostname": "photon-1", "disk": "/dev/vda", "password": {{"crypted": false, "text": "{PASSWORD}"}}, "public_key": "{}\n",
            "partitions": [
                {{"mountpoint": "/", "size": 0, "filesystem": "ext4"}}, {{"mountpoint": "/boot", "size": 128, "filesystem": "ext4"}},
                {{"mountpoint": "/root", "size": 128, "filesystem": "ext4"}}, {{"size": 128, "filesystem": "swap"}}
            ],
            "packagelist_file": "packages_minimal.json", "additional_packages": ["initramfs", "cloud-utils"], "linux_flavor": "linux",
            "network": {{"type": "dhcp"}}, "postinstall": ["#!/bin/sh", "touch /etc/postinstall"],
            "firstboot": {{"scripts": ["/run/one.sh", "/run/two.sh"]}},
            "preinstall": ["#!/bin/sh", "echo 'echo first >>/etc/first-start' >/run/one.sh", "echo 'echo second >>/etc/first-start' >/run/two.sh"],
            "eject_cdrom": false, "finish": "poweroff"
        }}"##,
        login::PUBLIC_KEY
    );
    let kickstart = file(folder, "ks.json", text.as_bytes());
    let option = format!("name=opt/org.kaon/kickstart,file={}", kickstart.display());
    install(folder, Path::new("minimal"), &["-fw_cfg", &option]);
    folder.join("target.raw")
}
