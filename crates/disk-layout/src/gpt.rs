//! The GUID partition table (UEFI 2.10, chapter 5) of a layout, as bytes.

use crate::crc::crc32;
use crate::notice::{NOTICE_SECTORS, notice_code, notice_file_system};
use crate::{Layout, Partition, Purpose, SECTOR_BYTES};

/// The space in a master boot record before its disk signature and table.
pub const BOOT_CODE_BYTES: usize = 440;

/// Bytes of one entry, and how many a table contains.
const ENTRY_BYTES: usize = 128;
const ENTRIES: usize = 128;

/// Sectors of the entries.
const ENTRY_SECTORS: u64 = (ENTRY_BYTES * ENTRIES) as u64 / SECTOR_BYTES;

/// What is written at both ends of a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tables {
    /// The first 34 sectors: the protective master boot record, the header, the entries.
    pub start: Vec<u8>,
    /// The last 33 sectors: the entries and the backup header.
    pub end: Vec<u8>,
    /// The offset of `end`, in bytes from the disk's start.
    pub end_offset_bytes: u64,
}

/// The state of a disk while a system is being installed: a small EFI system partition before the first partition, with a program that
/// reports it. Everything is written to unused places before the header refers to it, so a single sector switches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// The first sector; prints the notice when started by a BIOS.
    pub first: Vec<u8>,
    /// The second sector.
    pub header: Vec<u8>,
    /// The entries that the header refers to.
    pub entries: Vec<u8>,
    /// The offset of the entries, in bytes.
    pub entries_offset_bytes: u64,
    /// The file system with the program.
    pub notice: Vec<u8>,
    /// The last 33 sectors: the entries once more and the backup header.
    pub end: Vec<u8>,
    /// The offset of `end`, in bytes.
    pub end_offset_bytes: u64,
}

/// Two offsets for the entries of an unfinished disk, in bytes: the header of a disk that is already in this state refers to one of them.
pub const UNFINISHED_ENTRIES: [u64; 2] = [34 * SECTOR_BYTES, 66 * SECTOR_BYTES];

/// Where the file system of an unfinished disk is, in bytes.
pub const NOTICE_OFFSET_BYTES: u64 = 98 * SECTOR_BYTES;

/// The end of everything on an unfinished disk, in bytes.
pub const UNFINISHED_END_BYTES: u64 = NOTICE_OFFSET_BYTES + NOTICE_SECTORS * SECTOR_BYTES;

/// The header and entries of one end of the disk.
struct Table<'a> {
    layout: &'a Layout,
    entries: &'a [u8],
    first_usable: u64,
}

impl Layout {
    /// The tables of this layout, with the code that a BIOS runs in the first sector.
    pub fn tables(&self, boot_code: &[u8; BOOT_CODE_BYTES]) -> Tables {
        let entries = entries(&self.partitions);
        let table = Table { layout: self, entries: &entries, first_usable: 2 + ENTRY_SECTORS };
        let mut start = protective_mbr(boot_code, self.last());
        start.extend(table.header(1, self.last(), 2));
        start.extend(&entries);
        Tables { start, end: table.end(), end_offset_bytes: self.entries_at_end() * SECTOR_BYTES }
    }

    /// The state of the disk until the installation is finished, with its entries in one of the [`UNFINISHED_ENTRIES`]. The partitions are
    /// included unless `hidden`, so that a kernel sees them.
    pub fn unfinished(&self, place: usize, hidden: bool) -> Unfinished {
        let at = NOTICE_OFFSET_BYTES / SECTOR_BYTES;
        let notice = Partition {
            number: self.partitions.len() + 1,
            purpose: Purpose::Esp,
            offset_bytes: NOTICE_OFFSET_BYTES,
            size_bytes: NOTICE_SECTORS * SECTOR_BYTES,
            label: "kaon-unfinished".into(),
            guid: self.guid.other(),
        };
        let mut partitions = if hidden { Vec::new() } else { self.partitions.clone() };
        partitions.push(notice);
        let entries = entries(&partitions);
        let table = Table { layout: self, entries: &entries, first_usable: at };
        let entries_offset_bytes = UNFINISHED_ENTRIES[place % 2];
        Unfinished {
            first: protective_mbr(&notice_code(), self.last()),
            header: table.header(1, self.last(), entries_offset_bytes / SECTOR_BYTES),
            entries_offset_bytes,
            notice: notice_file_system(at),
            end: table.end(),
            end_offset_bytes: self.entries_at_end() * SECTOR_BYTES,
            entries,
        }
    }

    fn last(&self) -> u64 {
        self.disk_bytes / SECTOR_BYTES - 1
    }

    fn entries_at_end(&self) -> u64 {
        self.last() - ENTRY_SECTORS
    }
}

impl Table<'_> {
    fn end(&self) -> Vec<u8> {
        let header = self.header(self.layout.last(), 1, self.layout.entries_at_end());
        self.entries.iter().copied().chain(header).collect()
    }

    /// A header in sector `here`, whose twin is in sector `there`.
    fn header(&self, here: u64, there: u64, entries_at: u64) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SECTOR_BYTES as usize);
        bytes.extend(b"EFI PART\0\0\x01\0\x5c\0\0\0");
        bytes.extend([0; 8]);
        for number in [here, there, self.first_usable, self.layout.last() - 1 - ENTRY_SECTORS] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(self.layout.guid.to_disk());
        bytes.extend(entries_at.to_le_bytes());
        bytes.extend((ENTRIES as u32).to_le_bytes());
        bytes.extend((ENTRY_BYTES as u32).to_le_bytes());
        bytes.extend(crc32(self.entries).to_le_bytes());
        let checksum = crc32(&bytes);
        bytes[16..20].copy_from_slice(&checksum.to_le_bytes());
        bytes.resize(SECTOR_BYTES as usize, 0);
        bytes
    }
}

fn entries(partitions: &[Partition]) -> Vec<u8> {
    let mut bytes: Vec<u8> = partitions.iter().flat_map(entry).collect();
    bytes.resize(ENTRY_BYTES * ENTRIES, 0);
    bytes
}

fn entry(partition: &Partition) -> Vec<u8> {
    let first = partition.offset_bytes / SECTOR_BYTES;
    let last = first + partition.size_bytes / SECTOR_BYTES - 1;
    let mut bytes = Vec::with_capacity(ENTRY_BYTES);
    bytes.extend(partition.purpose.type_guid().to_disk());
    bytes.extend(partition.guid.to_disk());
    for number in [first, last, partition.purpose.attributes()] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(partition.label.encode_utf16().flat_map(u16::to_le_bytes));
    bytes.resize(ENTRY_BYTES, 0);
    bytes
}

/// A protective master boot record: one partition over the whole disk (UEFI 2.10, 5.2.3). The entry is marked active, because some
/// BIOSes start no disk without an active partition.
fn protective_mbr(boot_code: &[u8; BOOT_CODE_BYTES], last: u64) -> Vec<u8> {
    let mut bytes = boot_code.to_vec();
    bytes.resize(446, 0);
    bytes.extend([0x80, 0x00, 0x02, 0x00, 0xee, 0xff, 0xff, 0xff]);
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend(u32::try_from(last).unwrap_or(u32::MAX).to_le_bytes());
    bytes.resize(510, 0);
    bytes.extend([0x55, 0xaa]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Guid, MIB, Purpose, Size, Wish, plan};

    #[test]
    fn both_tables_are_whole_and_name_each_other() {
        let wish = Wish { purpose: Purpose::Root, size: Size::Rest { at_least_bytes: 0 }, label: "root".into(), guid: Guid::new(7) };
        let layout = plan(64 * MIB, Guid::new(5), &[wish]).unwrap();
        let tables = layout.tables(&[0x90; BOOT_CODE_BYTES]);
        assert_eq!((tables.start.len(), tables.end.len()), (34 * 512, 33 * 512));
        assert_eq!(tables.end_offset_bytes + tables.end.len() as u64, layout.disk_bytes);
        assert_eq!(tables.start[510..520], *b"\x55\xaaEFI PART");
        let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
        let (primary, backup) = (&tables.start[512..1024], &tables.end[32 * 512..]);
        assert_eq!((number(&primary[24..32]), number(&primary[32..40])), (1, 131_071));
        assert_eq!((number(&backup[24..32]), number(&backup[32..40])), (131_071, 1));
        assert_eq!(number(&backup[72..80]) * 512, tables.end_offset_bytes);
        for header in [primary, backup] {
            let mut zeroed = header[..92].to_vec();
            zeroed[16..20].fill(0);
            assert_eq!(header[16..20], crc32(&zeroed).to_le_bytes());
        }
        let entry = &tables.start[1024..1152];
        assert_eq!((number(&entry[32..40]), number(&entry[40..48])), (2048, (63 * MIB / 512) - 1));
        assert_eq!(entry[56..64], *b"r\0o\0o\0t\0");
    }
}
