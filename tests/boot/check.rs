//! What is asked of every machine that was started.

use std::fs;
use std::path::Path;

use super::container;
use super::guest::{Guest, Start, root};

const SCRIPT: &str = include_str!("containers.sh");

/// Boots the image, waits until the guest's test is over, and returns what it reported.
pub fn boot(way: &str, image: &str, options: &[&str]) -> Guest {
    boot_further(&Start { options, ..Start::of(way, image, "") })
}

/// The same for a machine with more than that: its script runs after the test's own, and its disks come after that with the containers.
pub fn boot_further(start: &Start<'_>) -> Guest {
    let folder = tempfile::tempdir().unwrap();
    let disks: Vec<_> = [container::write(folder.path(), &[])].into_iter().chain(start.disks.iter().cloned()).collect();
    let script = format!("{SCRIPT}{}", start.script);
    let guest = Start { script: &script, disks: &disks, ..*start }.run();
    record(&root().join(format!("out/boot-{}.json", start.way)), &guest);
    guest
}

/// Boots the image and asks that it is up and runs containers.
pub fn check_machine(way: &str, image: &str, root_type: &str, options: &[&str]) -> Guest {
    check_further(&Start { options, ..Start::of(way, image, "") }, root_type)
}

/// The same for a machine with more than that.
pub fn check_further(start: &Start<'_>, root_type: &str) -> Guest {
    let guest = boot_further(start);
    check_system(&guest, root_type);
    check_containers(&guest);
    guest
}

/// The system is up, whole, and what the image says it is.
pub fn check_system(guest: &Guest, root_type: &str) {
    assert_eq!(guest.one("state"), "running", "failed units:\n  {}\nlog:\n  {}", guest.text("failed-unit"), guest.text("log"));
    assert_eq!(guest.one("pid1"), "systemd");
    assert_eq!(guest.one("root-type"), root_type);
    assert!(guest.one("route").contains("default via"), "no default route: DHCP did not work");
}

/// Containers are loaded, run, reach each other and are reached.
pub fn check_containers(guest: &Guest) {
    assert!(guest.one("load").contains("kaon-test"), "docker load: {}", guest.one("load"));
    assert_eq!(guest.one("run-output"), "hello");
    assert_eq!(guest.one("run-exit"), "7");
    assert!(guest.one("server-address").parse::<std::net::Ipv4Addr>().is_ok(), "{}", guest.one("server-address"));
    assert_eq!(guest.one("container-to-container"), "answer");
    assert_eq!(guest.one("published-port"), "answer");
    assert_eq!(guest.one("containers-left"), "0");
    assert_eq!(guest.one("unsigned-modules"), "0", "the kernel does not trust the key that its modules are signed with");
    assert_eq!(guest.one("enforced-module").trim(), "wireguard");
}

/// Nobody gets in who was not let in: no password, no key, and nothing listens to the network but SSH.
pub fn check_closed(guest: &Guest) {
    assert!(guest.one("root-password").starts_with(['!', '*']), "root's password field is `{}`", guest.one("root-password"));
    assert!(guest.all("authorized-keys").is_empty());
    for socket in guest.all("listens") {
        let (address, port) = socket.rsplit_once(':').expect("ADDRESS:PORT");
        let port = u16::from_str_radix(port, 16).expect("a port");
        // 127.0.0.0/8 as the kernel's table writes it: the last byte first.
        let is_local = address.len() == 8 && address.ends_with("7F");
        assert!(is_local || port == 22, "port {port} is open to the network ({socket})");
    }
}

/// Keeps what was measured, for people and for comparing builds.
fn record(path: &Path, guest: &Guest) {
    let number = |key: &str| guest.one(key).parse::<u64>().ok();
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
