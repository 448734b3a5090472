//! The shape of a package's two headers, checked before anything reads values out of them.
//!
//! An index entry says where in the header's data its values are. The `rpm` crate believes that, so a made-up place, count or length
//! would end the program; here they are refused first, with the limits librpm has (`hdrblobVerifyInfo`).

use std::io::{self, Read};

/// The lead before the headers, in bytes; nothing in it is used.
pub(super) const LEAD: usize = 96;

/// Magic, version and reserved bytes, count of entries, length of the data.
pub(super) const INTRO: usize = 16;

/// One entry of the index: tag, type, offset, count.
pub(super) const ENTRY: usize = 16;

const MOST_ENTRIES: usize = 0xffff;
const LONGEST_DATA: usize = 0x0fff_ffff;

fn invalid(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

/// Reads lead and headers and returns their bytes, once every entry is known to be within its header.
pub(super) fn read(mut file: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    append(&mut file, &mut bytes, LEAD)?;
    header(&mut file, &mut bytes)?;
    // The signature header is filled up to a multiple of 8 bytes.
    let padding = bytes.len().next_multiple_of(8) - bytes.len();
    append(&mut file, &mut bytes, padding)?;
    header(&mut file, &mut bytes)?;
    Ok(bytes)
}

/// The bytes of a package whose main header is this blob of the database, its magic put back, once every entry is known to be within it.
pub(crate) fn of_blob(blob: &[u8]) -> io::Result<Vec<u8>> {
    const LEAD_MAGIC: [u8; 4] = [0xed, 0xab, 0xee, 0xdb];
    const MAGIC: [u8; 8] = [0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0];
    let mut bytes = LEAD_MAGIC.to_vec();
    bytes.resize(LEAD, 0);
    // A signature header with nothing in it.
    bytes.extend(MAGIC);
    bytes.extend([0; 8]);
    header(&mut MAGIC.chain(blob), &mut bytes)?;
    Ok(bytes)
}

/// Appends exactly `count` bytes. What the file does not have is not allocated either.
fn append(file: &mut impl Read, bytes: &mut Vec<u8>, count: usize) -> io::Result<()> {
    let read = file.take(count as u64).read_to_end(bytes)?;
    if read == count { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn header(file: &mut impl Read, bytes: &mut Vec<u8>) -> io::Result<()> {
    let start = bytes.len();
    append(file, bytes, INTRO)?;
    let intro = &bytes[start..];
    if intro[..4] != [0x8e, 0xad, 0xe8, 1] {
        return Err(invalid("a header does not begin with the magic number of headers"));
    }
    let (entries, length) = (word(intro, 8), word(intro, 12));
    if entries == 0 || entries > MOST_ENTRIES || length > LONGEST_DATA {
        return Err(invalid("a header claims to be larger than headers can be"));
    }
    append(file, bytes, entries * ENTRY + length)?;
    let (index, data) = bytes[start + INTRO..].split_at(entries * ENTRY);
    if index.chunks_exact(ENTRY).all(|entry| fits(entry, data)) {
        Ok(())
    } else {
        Err(invalid("an entry of a header is outside of its data"))
    }
}

fn word(bytes: &[u8], at: usize) -> usize {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]) as usize
}

/// Whether all values of an entry are within the data.
fn fits(entry: &[u8], data: &[u8]) -> bool {
    let (kind, offset, count) = (word(entry, 4), word(entry, 8), word(entry, 12));
    let Some(values) = data.get(offset..) else { return false };
    let size = match kind {
        0 => return true,
        1 | 2 | 7 => 1,
        3 => 2,
        4 => 4,
        5 => 8,
        6 => return count == 1 && has_strings(values, 1),
        8 | 9 => return count > 0 && has_strings(values, count),
        _ => return false,
    };
    count > 0 && count.checked_mul(size).is_some_and(|length| length <= values.len())
}

/// Whether `count` strings, each with its end, begin here.
fn has_strings(values: &[u8], count: usize) -> bool {
    values.iter().filter(|byte| **byte == 0).take(count).count() == count
}
