//! Disks as platforms write them: small file systems that every system reads.

use std::fs;
use std::path::{Path, PathBuf};

const SECTOR: usize = 512;
/// Sectors before the data: one of parameters, the table, and the root directory.
const TABLE_SECTORS: usize = 9;
const ROOT_ENTRIES: usize = 224;
const DATA: usize = 1 + TABLE_SECTORS + ROOT_ENTRIES * 32 / SECTOR;
const SECTORS: usize = 2880;

/// Writes a file system of FAT12 (Microsoft's "FAT: General Overview of On-Disk Format") called `label` into `folder`, with a table, a root
/// directory and one sector in each cluster.
pub fn write(folder: &Path, label: &str, files: &[(&str, &str)]) -> PathBuf {
    let label = format!("{label:11}");
    assert_eq!(label.len(), 11, "a label of FAT has at most 11 letters");
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
    put(43, format!("{label}FAT12   ").as_bytes());
    let mut table: Vec<usize> = vec![0xff0, 0xfff];
    let mut entries: Vec<[u8; 32]> = Vec::new();
    let mut name = [0; 32];
    name[..11].copy_from_slice(label.as_bytes());
    name[11] = 0x08;
    entries.push(name);
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
    let path = folder.join("written.img");
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
