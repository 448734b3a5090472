//! The GUID partition table (UEFI 2.10, chapter 5) of a layout, as bytes.

use crate::crc::crc32;
use crate::{Layout, Partition, SECTOR_BYTES};

/// What a master boot record has room for before its disk signature and table.
pub const BOOT_CODE_BYTES: usize = 440;

/// Bytes of one entry, and how many a table holds.
const ENTRY_BYTES: usize = 128;
const ENTRIES: usize = 128;

/// Sectors of the entries.
const ENTRY_SECTORS: u64 = (ENTRY_BYTES * ENTRIES) as u64 / SECTOR_BYTES;

/// What is written at a disk's both ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tables {
    /// The first 34 sectors: the protective master boot record, the header, the entries.
    pub start: Vec<u8>,
    /// The last 33 sectors: the entries and the backup header.
    pub end: Vec<u8>,
    /// Where those begin, in bytes from the disk's start.
    pub end_offset_bytes: u64,
}

impl Layout {
    /// The tables of this layout, with what a BIOS runs in the first sector.
    pub fn tables(&self, boot_code: &[u8; BOOT_CODE_BYTES]) -> Tables {
        let last = self.disk_bytes / SECTOR_BYTES - 1;
        let entries = self.entries();
        let mut start = protective_mbr(boot_code, last);
        start.extend(self.header(1, last, 2, &entries));
        start.extend(&entries);
        let entries_at = last - ENTRY_SECTORS;
        let backup = self.header(last, 1, entries_at, &entries);
        let end = entries.into_iter().chain(backup).collect();
        Tables { start, end, end_offset_bytes: entries_at * SECTOR_BYTES }
    }

    fn entries(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.partitions.iter().flat_map(entry).collect();
        bytes.resize(ENTRY_BYTES * ENTRIES, 0);
        bytes
    }

    /// A header in sector `here`, whose twin is in sector `there`.
    fn header(&self, here: u64, there: u64, entries_at: u64, entries: &[u8]) -> Vec<u8> {
        let last = self.disk_bytes / SECTOR_BYTES - 1;
        let mut bytes = Vec::with_capacity(SECTOR_BYTES as usize);
        bytes.extend(b"EFI PART\0\0\x01\0\x5c\0\0\0");
        bytes.extend([0; 8]);
        for number in [here, there, 2 + ENTRY_SECTORS, last - 1 - ENTRY_SECTORS] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(self.guid.to_disk());
        bytes.extend(entries_at.to_le_bytes());
        bytes.extend((ENTRIES as u32).to_le_bytes());
        bytes.extend((ENTRY_BYTES as u32).to_le_bytes());
        bytes.extend(crc32(entries).to_le_bytes());
        let checksum = crc32(&bytes);
        bytes[16..20].copy_from_slice(&checksum.to_le_bytes());
        bytes.resize(SECTOR_BYTES as usize, 0);
        bytes
    }
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

/// A master boot record that shows old tools one partition over the whole disk (UEFI 2.10, 5.2.3). The entry is marked active, because some
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
