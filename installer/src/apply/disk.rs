//! Partition tables and file systems.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use disk_layout::{BOOT_CODE_BYTES, Layout, MIB};

use super::{ApplyError, program};
use crate::kickstart::FileSystem;

/// How long a device may take to appear.
const PATIENCE: Duration = Duration::from_secs(15);

/// Makes a file that stands for a disk, and gives the device that stands for the file.
pub(super) fn file(path: &Path, size_bytes: u64) -> Result<PathBuf, ApplyError> {
    let file = OpenOptions::new().create_new(true).write(true).open(path);
    file.and_then(|file| file.set_len(size_bytes)).map_err(ApplyError::io("make", path))?;
    let device = program::run("losetup", &["--partscan", "--find", "--show", &path.display().to_string()], None)?;
    Ok(PathBuf::from(device.trim()))
}

/// Writes a partition table, after what was on the disk can no longer be found: the first and the last MiB of the disk and of each partition
/// hold what tells file systems, volumes and arrays.
pub(super) fn partition(device: &Path, layout: &Layout) -> Result<(), ApplyError> {
    write_table(device, layout).map_err(ApplyError::io("write", device))?;
    program::run("blockdev", &["--rereadpt", &device.display().to_string()], None)?;
    // Where there is no udev, devices appear by themselves.
    if crate::machine::find_program("udevadm").is_some() {
        program::run("udevadm", &["settle", "--timeout=15"], None)?;
    }
    Ok(())
}

fn write_table(device: &Path, layout: &Layout) -> io::Result<()> {
    let mut disk = OpenOptions::new().write(true).open(device)?;
    let mut clear = |from: u64, to: u64| -> io::Result<()> {
        disk.seek(SeekFrom::Start(from))?;
        io::copy(&mut io::Read::take(io::repeat(0), to.saturating_sub(from)), &mut disk).map(drop)
    };
    clear(layout.disk_bytes.saturating_sub(MIB), layout.disk_bytes)?;
    clear(0, MIB.min(layout.disk_bytes))?;
    for partition in &layout.partitions {
        let end = partition.offset_bytes + partition.size_bytes;
        clear(partition.offset_bytes, end.min(partition.offset_bytes + MIB))?;
        clear(end.saturating_sub(MIB).max(partition.offset_bytes), end)?;
    }
    let tables = layout.tables(&unfinished());
    put(&mut disk, tables.end_offset_bytes, &tables.end)?;
    put(&mut disk, 0, &tables.start)?;
    disk.sync_all()
}

pub(super) fn put(disk: &mut File, at: u64, bytes: &[u8]) -> io::Result<()> {
    disk.seek(SeekFrom::Start(at))?;
    disk.write_all(bytes)
}

/// What a BIOS runs until the installation is whole: it says so, and stops.
fn unfinished() -> [u8; BOOT_CODE_BYTES] {
    const TEXT: &[u8] = b"Kaon: the installation on this disk was not finished. Install again.\r\n\0";
    // cli; xor ax,ax; mov ds,ax; sti; cld; mov si,0x7c1c; next: lodsb; test al,al; jz end; mov ah,0x0e; mov bx,7; int 0x10; jmp next;
    // end: hlt; jmp end
    const CODE: [u8; 28] = [
        0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0xfb, 0xfc, 0xbe, 0x1c, 0x7c, 0xac, 0x84, 0xc0, 0x74, 0x09, 0xb4, 0x0e, 0xbb, 0x07, 0x00, 0xcd, 0x10,
        0xeb, 0xf2, 0xf4, 0xeb, 0xfd, 0x90,
    ];
    let mut code = [0; BOOT_CODE_BYTES];
    code[..CODE.len()].copy_from_slice(&CODE);
    code[CODE.len()..CODE.len() + TEXT.len()].copy_from_slice(TEXT);
    code
}

/// Waits until a device is there.
pub(super) fn wait_for(device: PathBuf) -> Result<PathBuf, ApplyError> {
    let start = Instant::now();
    while !device.exists() {
        if start.elapsed() > PATIENCE {
            return Err(ApplyError::NoDevice { path: device, seconds: PATIENCE.as_secs() });
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(device)
}

/// Makes a file system.
pub(super) fn make(
    device: &Path,
    size_bytes: u64,
    filesystem: FileSystem,
    label: &str,
    uuid: &str,
    options: &[String],
) -> Result<(), ApplyError> {
    let mut words = arguments(filesystem, size_bytes, label, uuid);
    words.extend(options.iter().cloned());
    words.push(device.display().to_string());
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    program::run(filesystem.program(), &words, None)?;
    Ok(())
}

fn arguments(filesystem: FileSystem, size_bytes: u64, label: &str, uuid: &str) -> Vec<String> {
    let label = |longest: usize| label.chars().filter(|letter| *letter != '/').take(longest).collect::<String>();
    let text = match filesystem {
        // Without the features that GRUB 2.12 refuses to read; the rest as in images (`xtask/src/disk/filesystem.rs`).
        FileSystem::Ext4 => format!(
            "-q -F -b 4096 -I 256 -m 1 -O ^metadata_csum_seed,^orphan_file -E hash_seed={uuid},root_owner=0:0 -U {uuid} -L {}",
            label(16)
        ),
        FileSystem::Xfs => format!("-q -f -m uuid={uuid} -L {}", label(12)),
        FileSystem::Btrfs => format!("-q -f -U {uuid} -L {}", label(32)),
        FileSystem::Vfat => {
            // FAT32 takes 65,525 clusters at least: small partitions have clusters of one sector.
            let clusters = if size_bytes <= 256 * MIB { " -s 1" } else { "" };
            format!("-F 32 -S 512{clusters} -i {} -n {}", &uuid[..8], label(11).to_uppercase())
        }
        FileSystem::Swap => format!("-q -U {uuid} -L {}", label(15)),
    };
    text.split(' ').map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_an_unfinished_disk_finds_its_text() {
        let code = unfinished();
        // The operand of `mov si`: the text lies right behind the code, which a BIOS loads at 0x7c00.
        let text = usize::from(u16::from_le_bytes([code[8], code[9]])) - 0x7c00;
        assert!(code[text..].starts_with(b"Kaon: the installation"));
        assert!(code[text..].contains(&0));
        // Both short jumps land on instructions: `hlt`, `lodsb`.
        assert_eq!((code[15 + 9], code[24 - 14]), (0xf4, 0xac));
    }

    #[test]
    fn old_content_cannot_be_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("disk");
        std::fs::write(&path, vec![0xaa; 64 << 20]).unwrap();
        let wish = |purpose, size| disk_layout::Wish { purpose, size, label: "x".into(), guid: disk_layout::Guid::new(3) };
        let wishes = [
            wish(disk_layout::Purpose::Esp, disk_layout::Size::Bytes(9 * MIB)),
            wish(disk_layout::Purpose::Root, disk_layout::Size::Rest { at_least_bytes: 1 }),
        ];
        let layout = disk_layout::plan(64 << 20, disk_layout::Guid::new(1), &wishes).unwrap();
        write_table(&path, &layout).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(bytes.len(), 64 << 20);
        assert_eq!(&bytes[512..520], b"EFI PART");
        assert_eq!(&bytes[(64 << 20) - 512..(64 << 20) - 504], b"EFI PART");
        for partition in &layout.partitions {
            let (start, end) = (partition.offset_bytes as usize, (partition.offset_bytes + partition.size_bytes) as usize);
            assert!(bytes[start..start + (1 << 20)].iter().all(|byte| *byte == 0));
            assert!(bytes[end - (1 << 20)..end].iter().all(|byte| *byte == 0));
        }
    }
}
