//! Partition tables: from the old one over one that says the installation is not finished to the new one, each time by one sector.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use disk_layout::{BOOT_CODE_BYTES, Layout, MIB, NOTICE_OFFSET_BYTES, SECTOR_BYTES, UNFINISHED_END_BYTES, UNFINISHED_ENTRIES, Unfinished};

use super::ApplyError;

/// A disk: takes what is written to it, in order.
pub(super) trait Sink {
    /// Reads bytes from this place.
    fn get(&mut self, at_bytes: u64, bytes: &mut [u8]) -> io::Result<()>;

    /// Writes bytes at this place.
    fn put(&mut self, at_bytes: u64, bytes: &[u8]) -> io::Result<()>;

    /// Writes zeros from here to there.
    fn clear(&mut self, from_bytes: u64, to_bytes: u64) -> io::Result<()>;

    /// Waits until all of it is on the disk, so that nothing after it can be there before it.
    fn settle(&mut self) -> io::Result<()>;
}

impl Sink for File {
    fn get(&mut self, at_bytes: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.seek(SeekFrom::Start(at_bytes))?;
        self.read_exact(bytes)
    }

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

/// Opens a disk.
pub(super) fn open(disk: &Path) -> Result<File, ApplyError> {
    OpenOptions::new().read(true).write(true).open(disk).map_err(ApplyError::io("write", disk))
}

/// Bytes of the entries of a table.
const ENTRIES_BYTES: u64 = UNFINISHED_ENTRIES[1] - UNFINISHED_ENTRIES[0];

/// Where the header is, and where the table of a finished disk has its entries.
const HEADER: u64 = SECTOR_BYTES;
const ENTRIES: u64 = 2 * SECTOR_BYTES;

/// The start of a disk as it was.
struct Old(Vec<u8>);

impl Old {
    fn read(disk: &mut dyn Sink) -> io::Result<Self> {
        let mut bytes = vec![0; usize::try_from(UNFINISHED_END_BYTES).unwrap_or_default()];
        disk.get(0, &mut bytes)?;
        Ok(Self(bytes))
    }

    fn part(&self, from_bytes: u64, to_bytes: u64) -> &[u8] {
        let at = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX).min(self.0.len());
        &self.0[at(from_bytes)..at(to_bytes)]
    }

    fn is_blank(&self, from_bytes: u64, to_bytes: u64) -> bool {
        self.part(from_bytes, to_bytes).iter().all(|byte| *byte == 0)
    }

    /// Whether the first sector leads to a GUID partition table.
    fn is_gpt(&self) -> bool {
        self.0[446..510].chunks(16).any(|entry| entry[4] == 0xee)
    }

    /// Which of the places for entries can be written without harm to what is on the disk: none where something else is there, such as
    /// another boot loader.
    fn place(&self, notice: &[u8]) -> Option<usize> {
        let is_ours = self.part(NOTICE_OFFSET_BYTES, UNFINISHED_END_BYTES) == notice;
        if !is_ours && !self.is_blank(NOTICE_OFFSET_BYTES, UNFINISHED_END_BYTES) {
            return None;
        }
        let blank = |at: &u64| self.is_blank(*at, *at + ENTRIES_BYTES);
        let unused = |at: &u64| is_ours && self.part(HEADER + 72, HEADER + 80) != (at / SECTOR_BYTES).to_le_bytes();
        UNFINISHED_ENTRIES.iter().position(blank).or_else(|| UNFINISHED_ENTRIES.iter().position(unused))
    }
}

/// Marks a disk as one whose installation is not finished, and lets it show that when started. Whenever this is interrupted, the disk starts what was on
/// it, or says so. What was on it can no longer be found then: the first and the last MiB of the disk and of each partition hold what tells
/// file systems, volumes and arrays.
///
/// Partitions that are hidden appear only when all is finished.
pub(super) fn begin(disk: &mut dyn Sink, layout: &Layout, hidden: bool) -> io::Result<()> {
    let old = Old::read(disk)?;
    let place = old.place(&layout.unfinished(0, true).notice);
    let new = layout.unfinished(place.unwrap_or_default(), true);
    // A BIOS' boot loader reads the table, too: where it does, the first sector goes before it.
    let code_first = old.is_gpt() || !old.is_blank(HEADER, UNFINISHED_ENTRIES[0]);
    match place {
        Some(_) => {
            lay(disk, &new)?;
            for is_code in [code_first, !code_first] {
                let (at, sector) = if is_code { (0, &new.first) } else { (HEADER, &new.header) };
                disk.put(at, sector)?;
                disk.settle()?;
            }
        }
        None => {
            // For these few writes UEFI finds nothing to start.
            disk.put(0, &new.first)?;
            disk.settle()?;
            disk.clear(HEADER, ENTRIES)?;
            disk.settle()?;
            disk.clear(new.end_offset_bytes, layout.disk_bytes)?;
            disk.settle()?;
            lay(disk, &new)?;
            disk.put(HEADER, &new.header)?;
            disk.settle()?;
        }
    }
    disk.put(new.end_offset_bytes, &new.end)?;
    disk.settle()?;
    forget(disk, layout, &new)?;
    disk.settle()?;
    if hidden { Ok(()) } else { show(disk, &layout.unfinished(place.unwrap_or_default() + 1, false)) }
}

/// Lets partitions be seen, now that nothing old is on them.
fn show(disk: &mut dyn Sink, new: &Unfinished) -> io::Result<()> {
    lay(disk, new)?;
    disk.put(HEADER, &new.header)?;
    disk.settle()?;
    disk.put(new.end_offset_bytes, &new.end)?;
    disk.settle()
}

/// Writes what the header of an unfinished disk names.
fn lay(disk: &mut dyn Sink, new: &Unfinished) -> io::Result<()> {
    disk.put(new.entries_offset_bytes, &new.entries)?;
    disk.put(NOTICE_OFFSET_BYTES, &new.notice)?;
    disk.settle()
}

/// Clears the other signatures of the disk's old content.
fn forget(disk: &mut dyn Sink, layout: &Layout, new: &Unfinished) -> io::Result<()> {
    disk.clear(ENTRIES, UNFINISHED_ENTRIES[0])?;
    for at in UNFINISHED_ENTRIES.into_iter().filter(|at| *at != new.entries_offset_bytes) {
        disk.clear(at, at + ENTRIES_BYTES)?;
    }
    disk.clear(UNFINISHED_END_BYTES, MIB.min(layout.disk_bytes))?;
    disk.clear(layout.disk_bytes.saturating_sub(MIB).max(MIB), new.end_offset_bytes)?;
    for partition in &layout.partitions {
        let end = partition.offset_bytes + partition.size_bytes;
        disk.clear(partition.offset_bytes, end.min(partition.offset_bytes + MIB))?;
        disk.clear(end.saturating_sub(MIB).max(partition.offset_bytes), end)?;
    }
    Ok(())
}

/// Makes a disk a finished one, once all its partitions hold what they should. Whenever this is cut off, the disk says that it is not
/// finished, or starts the system.
pub(super) fn finish(disk: &mut dyn Sink, layout: &Layout, boot_code: &[u8; BOOT_CODE_BYTES]) -> io::Result<()> {
    let tables = layout.tables(boot_code);
    let (first, rest) = tables.start.split_at(SECTOR_BYTES as usize);
    let (header, entries) = rest.split_at(SECTOR_BYTES as usize);
    disk.settle()?;
    disk.put(ENTRIES, entries)?;
    disk.settle()?;
    disk.put(HEADER, header)?;
    disk.settle()?;
    disk.put(0, first)?;
    disk.settle()?;
    disk.put(tables.end_offset_bytes, &tables.end)?;
    disk.settle()?;
    disk.clear(UNFINISHED_ENTRIES[0], UNFINISHED_END_BYTES)?;
    disk.settle()
}

#[cfg(test)]
mod tests;
