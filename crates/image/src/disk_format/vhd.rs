//! VHD (Microsoft, "Virtual Hard Disk Image Format Specification" 1.0), fixed (as Azure requires) and dynamic.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::raw::write_raw;
use super::{FormatError, VirtualDisk, pieces};
use base::epoch::SOURCE_DATE_EPOCH;

const SECTOR: u64 = 512;

/// Blocks of dynamic disks, and the bitmap before each.
const BLOCK_BYTES: u64 = 2 << 20;
const BITMAP_BYTES: u64 = BLOCK_BYTES / SECTOR / 8;

/// 2000-01-01, where VHD's time begins, in seconds since 1970.
const VHD_EPOCH: u32 = 946_684_800;

/// The largest disk that its geometry and offsets support.
const MOST_BYTES: u64 = 2040 << 30;

/// Writes the disk as a fixed VHD: the disk itself and a footer. Azure requires a whole number of MiB.
///
/// # Errors
/// When a file cannot be read or written, or the disk is too large.
pub fn write_vhd_fixed(disk: &VirtualDisk, path: &Path) -> Result<(), FormatError> {
    check(disk)?;
    write_raw(disk, path)?;
    let broken = FormatError::write(path);
    let file = OpenOptions::new().write(true).open(path).map_err(&broken)?;
    file.write_all_at(&footer(disk, 2, u64::MAX), disk.size_bytes()).map_err(&broken)
}

/// Writes the disk as a dynamic VHD, which contains only blocks with content.
///
/// # Errors
/// When a file cannot be read or written, or the disk is too large.
pub fn write_vhd_dynamic(disk: &VirtualDisk, path: &Path) -> Result<(), FormatError> {
    check(disk)?;
    let broken = FormatError::write(path);
    let file = File::create(path).map_err(&broken)?;
    let entries = disk.size_bytes().div_ceil(BLOCK_BYTES);
    let table_bytes = (entries * 4).next_multiple_of(SECTOR);
    let mut table = vec![0xff; table_bytes as usize];
    let mut at = 3 * SECTOR + table_bytes;
    let mut out = BufWriter::with_capacity(1 << 20, &file);
    let mut begin = || -> io::Result<()> {
        out.write_all(&footer(disk, 3, SECTOR))?;
        out.write_all(&dynamic_header(entries as u32))?;
        out.write_all(&table)
    };
    begin().map_err(&broken)?;
    pieces::each(
        disk,
        BLOCK_BYTES,
        |block| Ok(block.to_vec()),
        |number, block| {
            table[number as usize * 4..][..4].copy_from_slice(&((at / SECTOR) as u32).to_be_bytes());
            at += BITMAP_BYTES + BLOCK_BYTES;
            out.write_all(&[0xff; BITMAP_BYTES as usize]).and_then(|()| out.write_all(&block)).map_err(&broken)
        },
    )?;
    out.write_all(&footer(disk, 3, SECTOR)).and_then(|()| out.flush()).map_err(&broken)?;
    file.write_all_at(&table, 3 * SECTOR).map_err(&broken)
}

fn check(disk: &VirtualDisk) -> Result<(), FormatError> {
    if disk.size_bytes() <= MOST_BYTES {
        return Ok(());
    }
    Err(FormatError::TooLarge { format: "VHD", size_bytes: disk.size_bytes(), most_bytes: MOST_BYTES })
}

/// The footer; a dynamic disk begins with it as well.
fn footer(disk: &VirtualDisk, kind: u32, data_at: u64) -> Vec<u8> {
    let mut bytes = b"conectix\0\0\0\x02\0\x01\0\0".to_vec();
    bytes.extend(data_at.to_be_bytes());
    bytes.extend((SOURCE_DATE_EPOCH - VHD_EPOCH).to_be_bytes());
    // For this creator, readers use the size field; for most others, the geometry, which is coarser.
    bytes.extend(b"qem2\0\x01\0\0Wi2k");
    bytes.extend(disk.size_bytes().to_be_bytes());
    bytes.extend(disk.size_bytes().to_be_bytes());
    bytes.extend(geometry(disk.size_bytes() / SECTOR));
    bytes.extend(kind.to_be_bytes());
    bytes.extend([0; 4]);
    bytes.extend(&disk.identity().bytes()[..16]);
    bytes.resize(SECTOR as usize, 0);
    let sum = checksum(&bytes);
    bytes[64..68].copy_from_slice(&sum);
    bytes
}

fn dynamic_header(entries: u32) -> Vec<u8> {
    let mut bytes = b"cxsparse".to_vec();
    bytes.extend(u64::MAX.to_be_bytes());
    bytes.extend((3 * SECTOR).to_be_bytes());
    bytes.extend(0x0001_0000_u32.to_be_bytes());
    bytes.extend(entries.to_be_bytes());
    bytes.extend((BLOCK_BYTES as u32).to_be_bytes());
    bytes.resize(2 * SECTOR as usize, 0);
    let sum = checksum(&bytes);
    bytes[36..40].copy_from_slice(&sum);
    bytes
}

/// The complement of the sum of all bytes, with the checksum field as 0.
fn checksum(bytes: &[u8]) -> [u8; 4] {
    (!bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>()).to_be_bytes()
}

/// Cylinders, heads and sectors, by the algorithm of the specification's appendix.
fn geometry(sectors: u64) -> [u8; 4] {
    let sectors = sectors.min(65_535 * 16 * 255);
    let (per_track, heads, tracks) = if sectors >= 65_535 * 16 * 63 {
        (255, 16, sectors / 255)
    } else {
        let tracks = sectors / 17;
        let heads = tracks.div_ceil(1024).max(4);
        match () {
            () if tracks < heads * 1024 && heads <= 16 => (17, heads, tracks),
            () if sectors / 31 < 16 * 1024 => (31, 16, sectors / 31),
            () => (63, 16, sectors / 63),
        }
    };
    let [high, low] = ((tracks / heads) as u16).to_be_bytes();
    [high, low, heads as u8, per_track]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn geometry_follows_the_specification() {
        // About 64 MiB, 1 GiB and 127 GiB; what `qemu-img create -f vpc` writes.
        let cases = [(131_104, [0x03, 0xc4, 8, 17]), (2_097_648, [0x08, 0x21, 16, 63]), (266_338_320, [0xfe, 0xff, 16, 255])];
        for (sectors, expected) in cases {
            assert_eq!(geometry(sectors), expected, "{sectors}");
        }
    }
}
