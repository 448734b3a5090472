//! A disk labelled `cidata`, as Proxmox VE makes one: from it to a login over SSH.

use std::fs;
use std::path::{Path, PathBuf};

use super::check::check_system;
use super::guest::{Start, root};

/// A pair of keys that lets nobody in anywhere but in this test's machine.
const PRIVATE_KEY: &str = "-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACAB5LzLs6KODyZSOm+avDyu/0CLohQMOsYou0jM6eBaFwAAAJAJGOrWCRjq
1gAAAAtzc2gtZWQyNTUxOQAAACAB5LzLs6KODyZSOm+avDyu/0CLohQMOsYou0jM6eBaFw
AAAEBWl5gv6jeDD82IHd2rQOhAgSVLATMUGP8jUknXDn4NsQHkvMuzoo4PJlI6b5q8PK7/
QIuiFAw6xii7SMzp4FoXAAAACXRlc3RAaG9zdAECAwQ=
-----END OPENSSH PRIVATE KEY-----
";
const PUBLIC_KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAHkvMuzoo4PJlI6b5q8PK7/QIuiFAw6xii7SMzp4FoX test@host";

fn user_data() -> String {
    format!(
        "#cloud-config\nhostname: pve-1\nmanage_etc_hosts: true\nfqdn: pve-1.example.com\nuser: admin\npassword: sesame\n\
         ssh_authorized_keys:\n  - {PUBLIC_KEY}\nchpasswd:\n  expire: False\nusers:\n  - default\n"
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

fn script() -> String {
    format!(
        "fact hostname \"$(cat /proc/sys/kernel/hostname)\"\n\
         (umask 077; cat >/run/key <<'END'\n{PRIVATE_KEY}END\n)\n\
         fact login \"$(ssh -i /run/key -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null admin@127.0.0.1 sudo -n id -un 2>&1 | \
         tail -n 1)\"\n\
         fact address \"$(ip -4 -o address show dev eth0 | tr -s ' ')\"\n\
         fact said \"$(journalctl -b -o cat --no-pager -u kaon-firstboot | tr '\\n' '|')\"\n"
    )
}

/// Boots a disk with one more that the platform has written.
pub fn check() {
    let folder = tempfile::tempdir().unwrap();
    let user_data = user_data();
    let disk = write(folder.path(), &[("user-data", &user_data), ("meta-data", "instance-id: 20261128\n"), ("network-config", NETWORK)]);
    let image = root().join("out/kaon-minimal.qcow2");
    let image = image.to_str().expect("a path in UTF-8");
    let guest = Start { way: "cidata", image, options: &[], script: &script(), disks: &[disk] }.run();
    check_system(&guest, super::DISK);
    assert_eq!(guest.one("hostname"), "pve-1.example.com", "{}", guest.one("said"));
    assert!(guest.one("address").contains("10.0.2.42/24"), "{}: {}", guest.one("address"), guest.one("said"));
    assert_eq!(guest.one("login"), "root", "{}", guest.one("said"));
}

const SECTOR: usize = 512;
/// Sectors before the data: one of parameters, the table, and the root directory.
const TABLE_SECTORS: usize = 9;
const ROOT_ENTRIES: usize = 224;
const DATA: usize = 1 + TABLE_SECTORS + ROOT_ENTRIES * 32 / SECTOR;
const SECTORS: usize = 2880;

/// A file system of FAT12 (Microsoft's "FAT: General Overview of On-Disk Format") with a table, a root directory and one sector in each
/// cluster.
fn write(folder: &Path, files: &[(&str, &str)]) -> PathBuf {
    let mut image = vec![0; SECTORS * SECTOR];
    let mut put = |at: usize, bytes: &[u8]| image[at..at + bytes.len()].copy_from_slice(bytes);
    let word = |number: usize| u16::try_from(number).expect("16 bits").to_le_bytes();
    put(0, b"\xeb\x3c\x90MSDOS5.0");
    for (at, number) in [(11, SECTOR), (14, 1), (17, ROOT_ENTRIES), (19, SECTORS), (22, TABLE_SECTORS), (24, 18), (26, 2), (510, 0xaa55)] {
        put(at, &word(number));
    }
    // Sectors of a cluster, tables, the kind of medium, and the mark of an extended record.
    for (at, byte) in [(13, 1), (16, 1), (21, 0xf0), (38, 0x29)] {
        put(at, &[byte]);
    }
    put(39, &[1, 2, 3, 4]);
    put(43, b"cidata     FAT12   ");
    let mut table: Vec<usize> = vec![0xff0, 0xfff];
    let mut entries: Vec<[u8; 32]> = Vec::new();
    let mut label = [0; 32];
    label[..12].copy_from_slice(b"cidata     \x08");
    entries.push(label);
    for (number, (name, content)) in files.iter().enumerate() {
        let first = table.len();
        let count = content.len().div_ceil(SECTOR);
        table.extend((1..count).map(|index| first + index).chain([0xfff]));
        put((DATA + first - 2) * SECTOR, content.as_bytes());
        entries.extend(directory(name, number, first, content.len()));
    }
    for (index, entry) in entries.iter().enumerate() {
        put((1 + TABLE_SECTORS) * SECTOR + index * 32, entry);
    }
    // Two entries of the table are three bytes.
    for (index, pair) in table.chunks(2).enumerate() {
        let (low, high) = (pair[0], pair.get(1).copied().unwrap_or(0));
        let bytes = [low & 0xff, low >> 8 | (high & 0xf) << 4, high >> 4].map(|byte| u8::try_from(byte).expect("8 bits"));
        put(SECTOR + index * 3, &bytes);
    }
    let path = folder.join("cidata.img");
    fs::write(&path, image).unwrap();
    path
}

/// The entries of a file: its long name from behind, and the short one.
fn directory(name: &str, number: usize, first: usize, size_bytes: usize) -> Vec<[u8; 32]> {
    let short = *format!("FILE~{number}     ").as_bytes().first_chunk::<11>().expect("a short name");
    let sum = short.iter().fold(0_u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte));
    let mut letters: Vec<u16> = name.encode_utf16().chain([0]).collect();
    letters.resize(letters.len().div_ceil(13) * 13, 0xffff);
    // A name that fills its last part has no end.
    if name.len().is_multiple_of(13) {
        letters.truncate(name.len());
    }
    let parts: Vec<&[u16]> = letters.chunks(13).collect();
    let mut entries = Vec::new();
    for (index, part) in parts.iter().enumerate().rev() {
        let mut entry = [0; 32];
        let last = if index + 1 == parts.len() { 0x40 } else { 0 };
        entry[0] = u8::try_from(index + 1).expect("few parts") | last;
        (entry[11], entry[13]) = (0x0f, sum);
        for (letter, at) in part.iter().zip([1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30]) {
            entry[at..at + 2].copy_from_slice(&letter.to_le_bytes());
        }
        entries.push(entry);
    }
    let mut entry = [0; 32];
    entry[..11].copy_from_slice(&short);
    entry[11] = 0x20;
    entry[26..28].copy_from_slice(&u16::try_from(first).expect("16 bits").to_le_bytes());
    entry[28..].copy_from_slice(&u32::try_from(size_bytes).expect("32 bits").to_le_bytes());
    entries.push(entry);
    entries
}
