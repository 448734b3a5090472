//! Disk formats, judged by QEMU: `qemu-img check` finds no fault, `qemu-img compare` no difference.
//!
//! They need the SDK's `test` layer, so they run only when asked for: `cargo test -p xtask --test interop_disk -- --ignored`.

mod tools;

use std::path::{Path, PathBuf};

use base::digest::Digest;
use disk_layout::{BOOT_CODE_BYTES, Guid, MIB, Purpose, Size, Wish, plan};
use image::disk_format::{self, FormatError, VirtualDisk};

use tools::World;

/// A partitioned disk with text, noise, zeros that were put there and room where nothing was put.
fn sample(size_bytes: u64) -> VirtualDisk {
    let wish = |purpose, size| Wish { purpose, size, label: "part".into(), guid: Guid::new(9) };
    let wishes = [wish(Purpose::Esp, Size::Bytes(8 * MIB)), wish(Purpose::Root, Size::Rest { at_least_bytes: 0 })];
    let layout = plan(size_bytes, Guid::new(3), &wishes).unwrap();
    let tables = layout.tables(&[0; BOOT_CODE_BYTES]);
    let mut disk = VirtualDisk::new(size_bytes, Digest::of_bytes("sample"));
    let noise: Vec<u8> = (0_u32..3_000_000).flat_map(|number| (number ^ 0x5bd1_e995).wrapping_pow(3).to_le_bytes()).collect();
    disk.put(0, tables.start).unwrap();
    disk.put(tables.end_offset_bytes, tables.end).unwrap();
    disk.put(layout.partitions[0].offset_bytes + 777, b"text ".repeat(99_999)).unwrap();
    disk.put(layout.partitions[1].offset_bytes, noise).unwrap();
    disk.put(layout.partitions[1].offset_bytes + 30 * MIB, vec![0; 5 << 20]).unwrap();
    disk
}

fn qemu_img(world: &World, arguments: &[&str], files: &[&Path]) -> String {
    let files: Vec<String> = files.iter().map(|file| world.inside(file)).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    world.run("qemu-img", &[arguments, &files].concat())
}

type Write = fn(&VirtualDisk, &Path) -> Result<(), FormatError>;

#[test]
#[ignore = "needs the SDK"]
fn formats_hold_the_same_disk() {
    let world = World::new();
    let written = |name: &str, disk: &VirtualDisk, write: Write| -> PathBuf {
        let path = world.path(name);
        write(disk, &path).unwrap();
        path
    };
    let disk = sample(1024 * MIB);
    let raw = written("raw", &disk, disk_format::write_raw);
    let cases: [(&str, Write, &str); 4] = [
        ("qcow2", disk_format::write_qcow2, "qcow2"),
        ("vmdk", disk_format::write_vmdk, "vmdk"),
        ("vhd", disk_format::write_vhd_dynamic, "vpc"),
        ("azure", disk_format::write_vhd_fixed, "vpc"),
    ];
    for (name, write, driver) in cases {
        let path = written(name, &disk, write);
        if driver != "vpc" {
            qemu_img(&world, &["check", "-f", driver], &[&path]);
        }
        qemu_img(&world, &["compare", "-f", "raw", "-F", driver], &[&raw, &path]);
    }
    let info = qemu_img(&world, &["info", "--output=json", "-f", "qcow2"], &[&world.path("qcow2")]);
    assert!(info.contains("\"corrupt\": false"), "{info}");
}

#[test]
#[ignore = "needs the SDK"]
fn the_table_is_valid() {
    let world = World::new();
    let path = world.path("raw");
    disk_format::write_raw(&sample(64 * MIB), &path).unwrap();
    let verified = world.run("sfdisk", &["--verify", &world.inside(&path)]);
    assert!(verified.contains("No errors detected"), "{verified}");
    assert!(verified.contains("Using 2 out of 128 partitions"), "{verified}");
}
