//! Boots the minimal image in the emulator, by every way onto a machine, and runs containers in it.
//!
//! `cargo xtask test` runs these after building the image, those in [`all_boots`] only with `--all-boots`; alone:
//! `cargo test -p xtask --test boot -- --ignored`. What was measured is written beside the image as `boot-<way>.json`.

#![allow(missing_docs, clippy::print_stderr)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest as _, Sha256};

/// How long a guest may take under emulation on a busy machine, in seconds.
const TIMEOUT_S: &str = "1800";

/// Starts [`GUEST`] once the machine is up. `Type=exec`, so that the start-up counts as finished while it runs.
const UNIT: &str = "[Unit]\nDescription=Boot test\nAfter=docker.service\n[Service]\nType=exec\nImportCredential=kaon-test.script\n\
                    ExecStart=/usr/bin/bash -c '. \"$CREDENTIALS_DIRECTORY/kaon-test.script\"'\nStandardOutput=journal\n";
const DROP_IN: &str = "[Unit]\nWants=kaon-test.service\n";
/// A busy host may take longer over it than systemd waits.
const PATIENCE: &str = "[Service]\nTimeoutStartSec=infinity\n";
const GUEST: &str = include_str!("../../tests/boot/guest.sh");

type Facts = BTreeMap<String, Vec<String>>;

/// The file system a live medium's root is.
const LIVE: &str = "overlay";

/// The file system the root of a disk is.
const DISK: &str = "ext4";

#[test]
#[ignore = "needs the built image"]
fn starts_by_bios_from_a_disc() {
    let facts = boot("bios-disc", "minimal", &[]);
    check_system(&facts, LIVE);
    check_containers(&facts);
    check_closed(&facts);
}

#[test]
#[ignore = "needs the built image"]
fn starts_by_uefi_from_a_stick() {
    check_machine("uefi-stick", "minimal", LIVE, &["--uefi", "--stick"]);
}

#[test]
#[ignore = "needs the built image"]
fn starts_directly_with_what_the_command_line_gives() {
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBoottest test@host";
    let hash = "$6$boottest$abcdefghijklmnopqrstuvwxyz0123456789";
    let append = format!("\"kaon.ssh-key={key}\" kaon.password-hash={hash} kaon.hostname=boottest-1");
    let facts = boot("direct", "minimal", &["--direct", "--append", &append]);
    check_system(&facts, LIVE);
    assert_eq!(one(&facts, "hostname"), "boottest-1");
    assert_eq!(one(&facts, "authorized-keys"), key);
    assert_eq!(one(&facts, "root-password"), hash);
}

#[test]
#[ignore = "needs the built image"]
fn starts_by_uefi_from_nvme() {
    let facts = check_machine("uefi-nvme", "out/kaon-minimal.raw", DISK, &["--uefi", "--bus", "nvme"]);
    check_closed(&facts);
}

#[test]
#[ignore = "needs the built image"]
fn starts_by_bios_from_the_network() {
    check_machine("bios-network", "out/kaon-minimal.pxe.tar", LIVE, &[]);
}

/// Both ways a virtual machine of VMware starts, on its own devices: vmxnet3, and pvscsi or NVMe. The UEFI of the emulator has no driver
/// for pvscsi, VMware's has.
#[test]
#[ignore = "needs the built image"]
fn copies_of_an_ova_are_machines_of_their_own() {
    let by_uefi = check_machine("uefi-ova", "out/kaon-minimal.ova", DISK, &["--uefi", "--bus", "nvme"]);
    let by_bios = check_machine("bios-ova", "out/kaon-minimal.ova", DISK, &[]);
    for key in ["machine-id", "host-key", "random-seed"] {
        let copies = [one(&by_uefi, key), one(&by_bios, key)];
        assert!(copies.iter().all(|value| value.len() >= 32), "{key}: {copies:?}");
        assert_ne!(copies[0], copies[1], "{key}");
    }
    for facts in [&by_uefi, &by_bios] {
        let size_bytes: u64 = one(facts, "root-bytes").parse().expect("a size");
        assert!(size_bytes > 15 << 30, "the root has not grown to the disk of 16 GiB: {size_bytes}");
    }
}

/// cloud-config: an image is loaded, a container of it is a unit that is started again, and commands find it.
#[test]
#[ignore = "needs the built image"]
fn user_data_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let user_data = folder.path().join("user-data");
    fs::write(&user_data, USER_DATA).unwrap();
    let credential = format!("kaon.user-data={}", user_data.display());
    let facts = check_machine("user-data", "out/kaon-minimal.raw", DISK, &["--credential", &credential]);
    assert_eq!(one(&facts, "hostname"), "given-1");
    assert_eq!(one(&facts, "unit-answer"), "answer", "{}", one(&facts, "unit-log"));
    assert_eq!(one(&facts, "unit-answer-again"), "answer");
    assert_eq!(one(&facts, "unit-state"), "active enabled");
    assert_eq!(one(&facts, "late"), "hello");
}

const USER_DATA: &str = "#cloud-config
hostname: given-1
kaon:
  images: [{path: /dev/disk/by-id/virtio-disk0}]
  containers: [{name: web, image: kaon-test, command: [serve, 8080], ports: ['8082:8080']}]
runcmd: ['docker run --rm kaon-test say hello >/root/late']
";

/// The rest of what can be had of firmware and media.
mod all_boots {
    use super::*;

    #[test]
    #[ignore = "needs the built image"]
    fn starts_by_uefi_from_a_disc() {
        check_machine("uefi-disc", "minimal", LIVE, &["--uefi"]);
    }

    #[test]
    #[ignore = "needs the built image"]
    fn starts_by_bios_from_a_stick() {
        check_machine("bios-stick", "minimal", LIVE, &["--stick"]);
    }

    #[test]
    #[ignore = "needs the built image"]
    fn starts_by_bios_from_nvme() {
        check_machine("bios-nvme", "out/kaon-minimal.raw", DISK, &["--bus", "nvme", "--card", "e1000e"]);
    }

    #[test]
    #[ignore = "needs the built image"]
    fn starts_by_uefi_from_virtio() {
        check_machine("uefi-qcow2", "out/kaon-minimal.qcow2", DISK, &["--uefi"]);
    }

    #[test]
    #[ignore = "needs the built image"]
    fn starts_by_bios_from_virtio() {
        check_machine("bios-qcow2", "out/kaon-minimal.qcow2", DISK, &[]);
    }

    /// From the ISO onto an empty disk, and from that by either firmware.
    #[test]
    #[ignore = "needs the built image"]
    fn installed_from_the_iso_by_a_kickstart_file() {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let disk = install(folder.path());
        let disk = disk.to_str().expect("a path in UTF-8");
        let by_bios = check_machine("installed-bios", disk, DISK, &[]);
        let by_uefi = check_machine("installed-uefi", disk, DISK, &["--uefi"]);
        for facts in [&by_bios, &by_uefi] {
            assert_eq!(one(facts, "hostname"), "installed-1");
            assert_eq!(one(facts, "authorized-keys"), INSTALLED_KEY);
            assert!(one(facts, "root-password").starts_with('!'));
        }
    }
}

/// Who may log in on the installed system.
const INSTALLED_KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIInstalled test@host";

/// Builds a medium that installs by itself, starts it beside an empty disk, and gives that disk once the machine has switched itself off.
fn install(folder: &Path) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the project");
    let (kickstart, iso, disk, serial) =
        (folder.join("boottest.json"), folder.join("boottest.iso"), folder.join("installed.raw"), folder.join("serial.log"));
    let text = format!(
        r#"{{"hostname": "installed-1", "packages": ["minimal"], "public_key": {{"key": "{INSTALLED_KEY}"}}, "eject_cdrom": false, "finish": "poweroff"}}"#
    );
    fs::write(&kickstart, text).unwrap();
    fs::File::create(&disk).and_then(|file| file.set_len(4 << 30)).unwrap();
    let run = |arguments: &[&std::ffi::OsStr]| {
        let status = Command::new(env!("CARGO_BIN_EXE_xtask")).args(arguments).current_dir(root).status().unwrap();
        let console = fs::read(&serial).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        assert!(status.success(), "{arguments:?}: {status}\n{console}");
        console
    };
    run(&["build-iso".as_ref(), "--kickstart".as_ref(), kickstart.as_ref(), "--output".as_ref(), iso.as_ref()]);
    let drive = format!("file={},if=none,id=target,format=raw", disk.display());
    let mut words: Vec<&std::ffi::OsStr> = vec!["qemu".as_ref(), iso.as_ref()];
    words.extend(["--timeout", TIMEOUT_S, "--serial"].map(std::ffi::OsStr::new));
    words.push(serial.as_ref());
    words.extend(["--", "-drive", &drive, "-device", "virtio-blk-pci,drive=target"].map(std::ffi::OsStr::new));
    let console = run(&words);
    assert!(console.contains("Installed. What took longest:"), "{console}");
    disk
}

/// Boots the image and asks that it is up and runs containers.
fn check_machine(way: &str, image: &str, root_type: &str, options: &[&str]) -> Facts {
    let facts = boot(way, image, options);
    check_system(&facts, root_type);
    check_containers(&facts);
    facts
}

/// The system is up, whole, and what the image says it is.
fn check_system(facts: &Facts, root_type: &str) {
    let list = |key: &str| facts.get(key).map(|values| values.join("\n  ")).unwrap_or_default();
    assert_eq!(one(facts, "state"), "running", "failed units:\n  {}\nlog:\n  {}", list("failed-unit"), list("log"));
    assert_eq!(one(facts, "pid1"), "systemd");
    assert_eq!(one(facts, "root-type"), root_type);
    assert!(one(facts, "route").contains("default via"), "no default route: DHCP did not work");
}

fn check_containers(facts: &Facts) {
    assert!(one(facts, "load").contains("kaon-test"), "docker load: {}", one(facts, "load"));
    assert_eq!(one(facts, "run-output"), "hello");
    assert_eq!(one(facts, "run-exit"), "7");
    assert!(one(facts, "server-address").parse::<std::net::Ipv4Addr>().is_ok(), "{}", one(facts, "server-address"));
    assert_eq!(one(facts, "container-to-container"), "answer");
    assert_eq!(one(facts, "published-port"), "answer");
    assert_eq!(one(facts, "containers-left"), "0");
}

/// Nobody gets in who was not let in: no password, no key, and nothing listens to the network but SSH.
fn check_closed(facts: &Facts) {
    assert!(one(facts, "root-password").starts_with(['!', '*']), "root's password field is `{}`", one(facts, "root-password"));
    assert!(!facts.contains_key("authorized-keys"));
    for socket in facts.get("listens").into_iter().flatten() {
        let (address, port) = socket.rsplit_once(':').expect("ADDRESS:PORT");
        let port = u16::from_str_radix(port, 16).expect("a port");
        // 127.0.0.0/8 as the kernel's table writes it: the last byte first.
        let is_local = address.len() == 8 && address.ends_with("7F");
        assert!(is_local || port == 22, "port {port} is open to the network ({socket})");
    }
}

fn one<'a>(facts: &'a Facts, key: &str) -> &'a str {
    facts.get(key).and_then(|values| values.first()).map_or("(nothing)", String::as_str)
}

/// Boots the image, waits until the guest's test is over, and gives what it reported.
fn boot(way: &str, image: &str, options: &[&str]) -> Facts {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the project");
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    };
    let results = file("results", b"");
    let serial = folder.path().join("serial.log");
    let credential = |name: &str, path: &Path| format!("{name}={}", path.display());
    let status = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["qemu", image, "--timeout", TIMEOUT_S])
        .args(options)
        .args(["--credential", &credential("systemd.extra-unit.kaon-test.service", &file("unit", UNIT.as_bytes()))])
        .args(["--credential", &credential("systemd.unit-dropin.multi-user.target~kaon-test", &file("drop-in", DROP_IN.as_bytes()))])
        .args(["--credential", &credential("systemd.unit-dropin.containerd.service", &file("patience", PATIENCE.as_bytes()))])
        .args(["--credential", &credential("kaon-test.script", &file("script", GUEST.as_bytes()))])
        .args(["--port", &credential("kaon.result", &results)])
        .arg("--disk")
        .arg(file("image.tar", &container_image(folder.path())))
        .arg("--serial")
        .arg(&serial)
        .current_dir(root)
        .status()
        .unwrap();
    let text = fs::read_to_string(&results).unwrap();
    let console = fs::read(&serial).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let last: Vec<&str> = console.lines().rev().take(30).collect();
    let last: Vec<&str> = last.into_iter().rev().collect();
    assert!(status.success() && text.ends_with("end \n"), "the guest did not finish ({status}):\n{text}\n{}", last.join("\n"));
    let mut facts = Facts::new();
    for line in text.lines() {
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        facts.entry(key.to_owned()).or_default().push(value.to_owned());
    }
    record(&root.join(format!("out/boot-{way}.json")), &facts);
    facts
}

/// Keeps what was measured, for people and for comparing builds.
fn record(path: &Path, facts: &Facts) {
    let number = |key: &str| one(facts, key).parse::<u64>().ok();
    let used = number("memory-total-kib").zip(number("memory-available-kib")).map(|(total, free)| total - free);
    let report = serde_json::json!({
        "kernel-to-userspace-us": number("userspace-us"),
        "docker-start-us": number("docker-start-us"),
        "docker-ready-us": number("docker-ready-us"),
        "start-up-finished-us": number("finished-us"),
        "containers-done-us": number("containers-done-us"),
        "memory-used-kib": used,
    });
    fs::write(path, serde_json::to_vec_pretty(&report).unwrap()).unwrap();
    eprintln!("{}: {report}", path.display());
}

/// A container image in the format of `docker save`, with one statically linked program.
fn container_image(folder: &Path) -> Vec<u8> {
    let layer = archive(&[("payload", &fs::read(payload(folder)).unwrap(), 0o755)]);
    let config = serde_json::json!({
        "architecture": "amd64",
        "os": "linux",
        "config": { "Entrypoint": ["/payload"] },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{}", hex::encode(Sha256::digest(&layer)))] },
    });
    let manifest = serde_json::json!([{ "Config": "config.json", "RepoTags": ["kaon-test:latest"], "Layers": ["layer.tar"] }]);
    let (config, manifest) = (config.to_string(), manifest.to_string());
    archive(&[("config.json", config.as_bytes(), 0o644), ("layer.tar", &layer, 0o644), ("manifest.json", manifest.as_bytes(), 0o644)])
}

fn archive(files: &[(&str, &[u8], u32)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content, mode) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(*mode);
        builder.append_data(&mut header, name, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

fn payload(folder: &Path) -> PathBuf {
    let program = folder.join("payload");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/boot/payload.rs");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let status = Command::new(rustc)
        .args(["--edition=2024", "-O", "-C", "target-feature=+crt-static", "-C", "strip=symbols", "-o"])
        .arg(&program)
        .arg(&source)
        .status()
        .unwrap();
    assert!(status.success(), "the payload does not compile");
    program
}
