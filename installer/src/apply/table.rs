//! Partition tables, and what a BIOS says of a disk that is not finished.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use disk_layout::{BOOT_CODE_BYTES, Layout, MIB, SECTOR_BYTES};

use super::ApplyError;

/// Takes what is written to a disk, in order.
pub(super) trait Sink {
    /// Writes bytes at this place.
    fn put(&mut self, at_bytes: u64, bytes: &[u8]) -> io::Result<()>;

    /// Writes zeros from here to there.
    fn clear(&mut self, from_bytes: u64, to_bytes: u64) -> io::Result<()>;

    /// Waits until all of it is on the disk, so that nothing after it can be there before it.
    fn settle(&mut self) -> io::Result<()>;
}

impl Sink for File {
    fn put(&mut self, at_bytes: u64, bytes: &[u8]) -> io::Result<()> {
        self.seek(SeekFrom::Start(at_bytes))?;
        self.write_all(bytes)
    }

    fn clear(&mut self, from_bytes: u64, to_bytes: u64) -> io::Result<()> {
        self.seek(SeekFrom::Start(from_bytes))?;
        io::copy(&mut io::repeat(0).take(to_bytes.saturating_sub(from_bytes)), self).map(drop)
    }

    fn settle(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

/// Opens a disk for writing.
pub(super) fn open(disk: &Path) -> Result<File, ApplyError> {
    OpenOptions::new().write(true).open(disk).map_err(ApplyError::io("write", disk))
}

/// Writes a table, after what was on the disk can no longer be found: the first and the last MiB of the disk and of each partition hold what
/// tells file systems, volumes and arrays.
///
/// The order is such that whenever it is cut off, the disk starts the system that was on it, or tells that it is not finished: the first
/// sector goes first, then the old tables, then what they led to, and the new tables come last.
pub(super) fn write(disk: &mut dyn Sink, layout: &Layout) -> io::Result<()> {
    let tables = layout.tables(&unfinished());
    let first = usize::try_from(SECTOR_BYTES).unwrap_or_default();
    disk.put(0, &tables.start[..first])?;
    disk.settle()?;
    disk.clear(SECTOR_BYTES, tables.start.len() as u64)?;
    disk.settle()?;
    disk.clear(tables.end_offset_bytes, layout.disk_bytes)?;
    disk.settle()?;
    disk.clear(tables.start.len() as u64, MIB.min(layout.disk_bytes))?;
    disk.clear(layout.disk_bytes.saturating_sub(MIB).max(MIB), tables.end_offset_bytes)?;
    for partition in &layout.partitions {
        let end = partition.offset_bytes + partition.size_bytes;
        disk.clear(partition.offset_bytes, end.min(partition.offset_bytes + MIB))?;
        disk.clear(end.saturating_sub(MIB).max(partition.offset_bytes), end)?;
    }
    disk.settle()?;
    disk.put(tables.end_offset_bytes, &tables.end)?;
    disk.put(SECTOR_BYTES, &tables.start[first..])?;
    disk.settle()
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

#[cfg(test)]
mod tests {
    use disk_layout::{Guid, Purpose, Size, Wish, plan};

    use super::*;

    const DISK_BYTES: usize = 64 << 20;

    fn layout() -> Layout {
        let wish = |purpose, size| Wish { purpose, size, label: "x".into(), guid: Guid::new(3) };
        let wishes = [wish(Purpose::Esp, Size::Bytes(9 * MIB)), wish(Purpose::Root, Size::Rest { at_least_bytes: 1 })];
        plan(DISK_BYTES as u64, Guid::new(1), &wishes).unwrap()
    }

    /// A disk in memory that stops at the write with this number.
    struct Cut {
        bytes: Vec<u8>,
        left: usize,
    }

    impl Cut {
        fn write(&mut self, at: u64, write: impl FnOnce(&mut [u8])) -> io::Result<()> {
            self.left = self.left.checked_sub(1).ok_or(io::ErrorKind::BrokenPipe)?;
            write(&mut self.bytes[usize::try_from(at).unwrap()..]);
            Ok(())
        }
    }

    impl Sink for Cut {
        fn put(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
            self.write(at, |disk| disk[..bytes.len()].copy_from_slice(bytes))
        }

        fn clear(&mut self, from: u64, to: u64) -> io::Result<()> {
            self.write(from, |disk| disk[..usize::try_from(to - from).unwrap()].fill(0))
        }

        fn settle(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// An old system: boot code, tables at both ends, data everywhere else.
    fn old() -> Vec<u8> {
        let mut bytes = vec![0xaa; DISK_BYTES];
        let tables = layout().tables(&[0x90; BOOT_CODE_BYTES]);
        bytes[..tables.start.len()].copy_from_slice(&tables.start);
        bytes[usize::try_from(tables.end_offset_bytes).unwrap()..].copy_from_slice(&tables.end);
        bytes
    }

    #[test]
    fn whenever_it_is_cut_off_it_is_the_old_disk_or_says_so() {
        let (old, layout) = (old(), layout());
        let tables = layout.tables(&unfinished());
        let end = usize::try_from(tables.end_offset_bytes).unwrap();
        for cut in 0.. {
            let mut disk = Cut { bytes: old.clone(), left: cut };
            let done = write(&mut disk, &layout).is_ok();
            let bytes = disk.bytes;
            let says_so = bytes[..BOOT_CODE_BYTES] == unfinished();
            assert!(says_so || bytes == old, "cut {cut}");
            // UEFI reads a table at either end: where it finds the old one, the old data is whole.
            let table = |at: usize| &bytes[at..at + 8] == b"EFI PART";
            let new_table =
                bytes[512..1024] == tables.start[512..1024] || bytes[DISK_BYTES - 512..] == tables.end[tables.end.len() - 512..];
            let data_is_whole = bytes[tables.start.len()..end] == old[tables.start.len()..end];
            assert!(data_is_whole || new_table || !(table(512) || table(DISK_BYTES - 512)), "cut {cut}");
            if done {
                assert!(cut > 8 && table(512) && table(DISK_BYTES - 512));
                return;
            }
        }
    }

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
        std::fs::write(&path, vec![0xaa; DISK_BYTES]).unwrap();
        let layout = layout();
        write(&mut open(&path).unwrap(), &layout).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(bytes.len(), DISK_BYTES);
        assert_eq!(&bytes[512..520], b"EFI PART");
        assert_eq!(&bytes[DISK_BYTES - 512..DISK_BYTES - 504], b"EFI PART");
        for partition in &layout.partitions {
            let (start, end) = (partition.offset_bytes as usize, (partition.offset_bytes + partition.size_bytes) as usize);
            assert!(bytes[start..start + (1 << 20)].iter().all(|byte| *byte == 0));
            assert!(bytes[end - (1 << 20)..end].iter().all(|byte| *byte == 0));
        }
    }
}
