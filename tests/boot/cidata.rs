//! A disk labelled `cidata`, as Proxmox VE makes one: from it to a login over SSH.

use super::check::check_system;
use super::guest::{Start, root};
use super::{fat, login};

fn user_data() -> String {
    format!(
        "#cloud-config\nhostname: pve-1\nmanage_etc_hosts: true\nfqdn: pve-1.example.com\nuser: admin\npassword: sesame\n\
         ssh_authorized_keys:\n  - {key}\nchpasswd:\n  expire: False\nusers:\n  - default\n\
         kaon:\n  ssh:\n    trusted_user_ca: ['{key}']\n    principals: {{admin: [ops]}}\n    revoked_keys: ['{lost}']\n",
        key = login::PUBLIC_KEY,
        lost = login::LOST_PUBLIC_KEY
    )
}

/// The address is QEMU's of its first card, and the network is QEMU's own.
const NETWORK: &str = "version: 1
config:
    - type: physical
      name: eth0
      mac_address: '52:54:00:12:34:56'
      subnets:
      - type: static
        address: '10.0.2.42'
        netmask: '255.255.255.0'
        gateway: '10.0.2.2'
    - type: nameserver
      address:
      - '10.0.2.3'
";

const FACTS: &str = "fact hostname \"$(cat /proc/sys/kernel/hostname)\"
fact address \"$(ip -4 -o address show dev eth0 | tr -s ' ')\"
";

/// Boots a disk with one more that the platform has written.
pub fn check() {
    let folder = tempfile::tempdir().unwrap();
    let user_data = user_data();
    let files = [("user-data", user_data.as_str()), ("meta-data", "instance-id: 20261128\n"), ("network-config", NETWORK)];
    let disk = fat::write(folder.path(), "cidata", &files);
    let image = root().join("out/kaon-minimal.qcow2");
    let image = image.to_str().expect("a path in UTF-8");
    let script = format!("{FACTS}{}{}", login::script("admin", "sudo -n id -un"), login::certificates("admin"));
    let guest = Start { disks: &[disk], ..Start::of("cidata", image, &script) }.run();
    check_system(&guest, super::DISK);
    assert_eq!(guest.one("hostname"), "pve-1.example.com", "{}", guest.one("said"));
    assert!(guest.one("address").contains("10.0.2.42/24"), "{}: {}", guest.one("address"), guest.one("said"));
    assert_eq!(guest.one("login"), "root", "{}", guest.one("said"));
    assert_eq!(guest.one("certificate-good"), "admin");
    for name in ["expired", "lost", "other"] {
        let said = guest.one(&format!("certificate-{name}"));
        assert!(said.contains("Permission denied"), "{name}: {said}");
    }
}
