//! An installation from the signed repository of the built packages into a file that stands for a disk, judged by the programs of others:
//! `e2fsck`, `debugfs`, `mdir`, `sfdisk`.
//!
//! It needs the built packages and the SDK, so it runs only when asked for: `cargo test -p xtask --test interop_install -- --ignored`.
#![allow(clippy::print_stderr, reason = "it tells how much was judged")]

mod tools;

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use disk_layout::MIB;
use nix::sys::signal::{SigHandler, Signal, signal};
use tools::World;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILH5XhCML8mhgHT24PFRC0Ldd1A6+McmS3GLUSTDJj+7 test@host";

/// The packages whose repository, with everything they need, the systems are installed from.
const PACKAGES: [&str; 4] = ["minimal", "linux", "kaon-disk", "grub"];

/// What an installation takes and leaves.
struct Place {
    world: World,
    repository: PathBuf,
    programs: PathBuf,
    installer: PathBuf,
}

impl Place {
    fn new() -> Self {
        let world = World::new();
        let repository = world.path("repo");
        let written = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .arg("repo")
            .args(PACKAGES)
            .arg("--output")
            .arg(&repository)
            .current_dir(project())
            .status();
        assert!(written.unwrap().success(), "the repository cannot be written");
        let programs = world.make("programs");
        let layers: Vec<PathBuf> = tools::layers().iter().rev().cloned().collect();
        sdk::wrap(&layers, &["debugfs", "mcopy", "mkfs.ext4", "mkfs.vfat", "mkswap"], &programs).unwrap();
        Self { world, repository, programs, installer: installer() }
    }

    /// Runs the installer with a kickstart file.
    fn run(&self, kickstart: &str, more: &[&str]) -> Output {
        self.command(kickstart, more).output().unwrap()
    }

    fn command(&self, kickstart: &str, more: &[&str]) -> Command {
        let file = self.world.path("ks.json");
        fs::write(&file, kickstart).unwrap();
        let path = format!("{}:{}", self.programs.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(&self.installer);
        command.arg(&file).args(more).arg("--repository").arg(&self.repository);
        command.arg("--key").arg(self.repository.join("RPM-GPG-KEY-kaon")).env("PATH", path);
        // Whoever runs these tests in the background has them ignore what a terminal's user interrupts with.
        // SAFETY: one system call.
        unsafe { command.pre_exec(|| signal(Signal::SIGINT, SigHandler::SigDfl).map(drop).map_err(Into::into)) };
        command
    }

    /// The numbers of the partitions' first bytes and their sizes, as `sfdisk` reads them.
    fn partitions(&self, disk: &Path) -> Vec<(u64, u64)> {
        let verified = self.world.run("sfdisk", &["--verify", &self.world.inside(disk)]);
        assert!(verified.contains("No errors detected"), "{verified}");
        let text = self.world.run("sfdisk", &["--json", &self.world.inside(disk)]);
        let table: serde_json::Value = serde_json::from_str(&text).unwrap();
        let number = |part: &serde_json::Value, key: &str| part[key].as_u64().unwrap() * 512;
        table["partitiontable"]["partitions"].as_array().unwrap().iter().map(|part| (number(part, "start"), number(part, "size"))).collect()
    }

    /// What a command of debugfs says of the file system at an offset.
    fn debugfs(&self, disk: &Path, offset: u64, command: &str) -> String {
        self.world.run("debugfs", &["-R", command, &format!("{}?offset={offset}", self.world.inside(disk))])
    }
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The installer as cargo builds it.
fn installer() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo).args(["build", "--locked", "--package", "installer"]).current_dir(project()).status().unwrap();
    assert!(built.success(), "the installer does not compile");
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("debug/kaon-installer")
}

#[test]
#[ignore = "needs the built packages and the SDK"]
fn a_system_in_a_file() {
    let place = Place::new();
    let disk = place.world.path("disk.img");
    fs::write(place.repository.join("kaon.repo"), "[kaon]\nbaseurl=https://builder.example/kaon\n").unwrap();
    let kickstart = format!(
        r##"{{"hostname": "node1", "packages": ["minimal"],
             "disks": {{"default": {{"filename": "{}", "size": 1400}}}},
             "partitions": [{{"mountpoint": "/", "size": 0}}, {{"mountpoint": "/srv", "size": 64}}, {{"filesystem": "swap", "size": 64}}],
             "password": {{"crypted": false, "text": "sesame-open"}}, "public_key": {{"key": "{KEY}"}},
             "users": [{{"name": "dev", "groups": ["docker"], "sudo": true, "ssh_keys": ["{KEY}"]}}],
             "postinstall": ["#!/bin/sh", "echo seven-eight > /srv/mark"]}}"##,
        disk.display()
    );
    let said = place.run(&kickstart, &["--yes"]);
    let text = format!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert!(said.status.success(), "{text}");
    let partitions = place.partitions(&disk);
    let [bios, esp, root, srv, swap] = partitions[..] else { panic!("{partitions:?}") };
    assert_eq!((bios.1, esp.1, srv.1, swap.1), (MIB, 64 * MIB, 64 * MIB, 64 * MIB));
    for (offset, _) in [root, srv] {
        place.world.run("e2fsck", &["-fn", &format!("{}?offset={offset}", place.world.inside(&disk))]);
    }
    let cat = |path: &str| place.debugfs(&disk, root.0, &format!("cat {path}"));
    assert_eq!(cat("/etc/hostname"), "node1\n");
    assert_eq!(cat("/root/.ssh/authorized_keys"), format!("{KEY}\n"));
    assert!(cat("/etc/shadow").starts_with("root:$6$") && !cat("/etc/shadow").contains("sesame-open"));
    assert_eq!(cat("/etc/fstab").lines().count(), 3);
    assert!(cat("/etc/yum.repos.d/kaon.repo").contains("builder.example"));
    assert_eq!(cat("/etc/pki/rpm-gpg/RPM-GPG-KEY-kaon"), fs::read_to_string(place.repository.join("RPM-GPG-KEY-kaon")).unwrap());
    assert!(
        cat("/var/log/kaon-installer.json").contains("install minimal") && !cat("/var/log/kaon-installer.json").contains("sesame-open")
    );
    assert_eq!(place.debugfs(&disk, srv.0, "cat /mark"), "seven-eight\n");
    let home = place.debugfs(&disk, root.0, "stat /home/dev/.ssh/authorized_keys");
    assert!(home.contains("User:  1000") && home.contains("0600"), "{home}");
    let secret = place.debugfs(&disk, root.0, "stat /etc/shadow");
    assert!(secret.contains("Mode:  0000") && secret.contains("User:     0"), "{secret}");
    let capability = place.debugfs(&disk, root.0, "ea_list /usr/bin/newuidmap");
    assert!(capability.contains("security.capability"), "{capability}");
    let esp = place.world.run("mdir", &["-b", "-/", "-i", &format!("{}@@{}", place.world.inside(&disk), esp.0), "::/"]);
    assert!(esp.contains("BOOTX64.EFI") && esp.to_lowercase().contains("grub.cfg"), "{esp}");
    let read = |at: u64| {
        let mut bytes = [0; 440];
        File::open(&disk).unwrap().read_exact_at(&mut bytes, at).unwrap();
        bytes
    };
    assert!(!read(0).windows(12).any(|words| words == b"not finished"), "the disk says it is not finished");
    assert!(read(swap.0 + 4096 - 440).ends_with(b"SWAPSPACE2"));
    // Text of the password anywhere would be a secret left on the disk.
    let found = place.world.try_run("grep", &["-aqF", "sesame-open", &place.world.inside(&disk)]);
    assert!(!found.is_success, "the password is on the disk");
    assert_eq!(
        fs::read_dir(place.world.path(""))
            .unwrap()
            .flatten()
            .filter(|entry| entry.path().extension().is_some_and(|end| end == "parts"))
            .count(),
        0
    );
}

/// A kickstart file for Photon OS: the boot loader's menu is on a partition of its own, and the script sees no network but its own.
#[test]
#[ignore = "needs the built packages and the SDK"]
fn a_file_for_photon_with_boot_apart() {
    let place = Place::new();
    let disk = place.world.path("disk.img");
    let kickstart = format!(
        r##"{{"packagelist_file": "packages_minimal.json", "additional_packages": ["initramfs"], "linux_flavor": "linux",
             "disks": {{"default": {{"filename": "{}", "size": 1400}}}}, "partition_type": "msdos", "bootmode": "bios",
             "partitions": [{{"mountpoint": "/", "size": 0}}, {{"mountpoint": "/boot", "size": 64}}],
             "postinstall": ["cat /proc/net/route >/etc/routes", "hostname elsewhere || true"]}}"##,
        disk.display()
    );
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let said = place.run(&kickstart, &["--yes"]);
    let text = format!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert!(said.status.success() && text.contains("`minimal` stands for Photon's list"), "{text}");
    assert_eq!(fs::read_to_string("/proc/sys/kernel/hostname").unwrap(), name);
    let partitions = place.partitions(&disk);
    let [_, root, boot] = partitions[..] else { panic!("{partitions:?}") };
    for (offset, _) in [root, boot] {
        place.world.run("e2fsck", &["-fn", &format!("{}?offset={offset}", place.world.inside(&disk))]);
    }
    let link = place.debugfs(&disk, boot.0, "stat /boot");
    assert!(link.contains("symlink") && link.contains("\".\""), "{link}");
    let menu = place.debugfs(&disk, boot.0, "cat /grub/local.cfg");
    assert!(menu.contains("set root=\"$kaon_disk,gpt2\""), "{menu}");
    assert!(place.debugfs(&disk, boot.0, "cat /grub/grub.cfg").contains("menuentry"));
    assert!(place.debugfs(&disk, root.0, "cat /etc/fstab").contains(" /boot ext4 "));
    let routes = place.debugfs(&disk, root.0, "cat /etc/routes");
    assert_eq!(routes.lines().skip(1).count(), 0, "{routes}");
}

/// However an installation into a directory ends, nothing stays mounted there.
#[test]
#[ignore = "needs the built packages and the SDK"]
fn nothing_stays_mounted() {
    let place = Place::new();
    // The script sees the kernel's file systems; its parent is the installer.
    for (ending, script) in [("done", "true"), ("failed", "exit 3"), ("interrupted", "kill -INT $PPID"), ("killed", "kill -KILL $PPID")] {
        let tree = place.world.path(ending);
        let kickstart = format!(r##"{{"postinstall": ["#!/bin/sh", "[ -e /proc/self/mounts ] || exit 4", "{script}"]}}"##);
        let said = place.run(&kickstart, &["--target-dir", tree.to_str().unwrap()]);
        let code = said.status.code();
        let expected = match ending {
            "done" => Some(0),
            "failed" => Some(1),
            _ => None,
        };
        assert_eq!(code, expected, "{ending}: {said:?}");
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        assert!(!mounts.contains(tree.to_str().unwrap()), "{ending}: {mounts}");
        assert!(!tree.join("proc/self").exists(), "{ending}");
        fs::remove_dir_all(&tree).unwrap();
    }
}

/// Every single write of an installation is the last one: the disk never starts half a system.
#[test]
#[ignore = "needs the built packages and the SDK"]
fn cut_off_at_every_write() {
    let place = Place::new();
    let path = place.world.path("disk.img");
    let kickstart = format!(
        r#"{{"packages": ["minimal"], "disks": {{"default": {{"filename": "{}", "size": 1400}}}},
             "partitions": [{{"mountpoint": "/", "size": 0}}, {{"mountpoint": "/srv", "size": 64}}, {{"filesystem": "swap", "size": 64}}]}}"#,
        path.display()
    );
    let output = place.world.path("output");
    let mut command = place.command(&kickstart, &["--yes"]);
    command.stdout(File::create(&output).unwrap()).stderr(File::create(&output).unwrap());
    let (writes, ended) = testing::disk::trace::record(&mut command, &path);
    assert_eq!(ended, 0, "{}", fs::read_to_string(&output).unwrap());
    let (finished, copy) = (File::open(&path).unwrap(), place.world.path("copy.img"));
    let replica = File::options().read(true).write(true).create_new(true).open(&copy).unwrap();
    replica.set_len(finished.metadata().unwrap().len()).unwrap();
    let known = testing::disk::replay::Known::new(&replica, &finished);
    let found = testing::disk::replay::replay(&replica, &writes, &known, &finished);
    eprintln!("{} writes, {} states judged: {}", writes.len(), found.states, found.verdicts.join(" "));
    assert_eq!(found.verdicts, ["Nothing/Nothing", "Notice/Notice", "Notice/New", "New/New"]);
    assert!(found.before > 1000 && found.states > 200, "{} {}", found.before, found.states);
    // Nothing was written that is not in the record.
    place.world.run("cmp", &[&place.world.inside(&path), &place.world.inside(&copy)]);
    let partitions = place.partitions(&copy);
    for (offset, _) in &partitions[2..4] {
        place.world.run("e2fsck", &["-fn", &format!("{}?offset={offset}", place.world.inside(&copy))]);
    }
}

#[test]
#[ignore = "needs the built packages and the SDK"]
fn packages_of_another_key_leave_no_disk() {
    let place = Place::new();
    let disk = place.world.path("disk.img");
    let repodata = place.repository.join("repodata");
    // What was signed is changed afterwards.
    let index = repodata.join("repomd.xml");
    let text = fs::read_to_string(&index).unwrap().replacen("<revision>", "<revision>1", 1);
    fs::write(&index, text).unwrap();
    let kickstart = format!(r#"{{"disks": {{"default": {{"filename": "{}", "size": 1400}}}}}}"#, disk.display());
    let said = place.run(&kickstart, &["--yes"]);
    let text = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(!said.status.success() && text.contains("cannot be used"), "{text}");
    assert!(!disk.exists());
}
