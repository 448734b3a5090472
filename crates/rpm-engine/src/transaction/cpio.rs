//! Reading the cpio archive of a payload: `newc`, and RPM's stripped form that names files by their place in the header.

use std::io::{self, BufRead, Read};

use crate::names;

/// What an archive entry says of itself. Everything else about the file stands in the signed header.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Member {
    /// A `newc` entry.
    Named {
        /// The name as written: `./usr/bin/sh`.
        name: String,
        /// How many bytes of content follow.
        size: u64,
    },
    /// A stripped entry: the index of the file in the header, which also gives its size.
    Indexed(usize),
    /// The end of the archive.
    Trailer,
}

/// Longer names are refused; the header's own paths are limited likewise by the file system (PATH_MAX).
const LONGEST_NAME: usize = 4096;

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

/// Reads an entry's header. The content follows, then [`skip_padding`].
pub(super) fn read_member(archive: &mut impl BufRead) -> io::Result<Member> {
    let mut magic = [0; 6];
    archive.read_exact(&mut magic)?;
    match &magic {
        b"070701" | b"070702" => {}
        b"07070X" => {
            let index = hex_field(archive)?;
            archive.read_exact(&mut [0; 2])?;
            return Ok(Member::Indexed(index as usize));
        }
        _ => return Err(invalid("the payload is not a cpio archive")),
    }
    let mut fields = [0_u32; 13];
    for field in &mut fields {
        *field = hex_field(archive)?;
    }
    let (size, name_length) = (u64::from(fields[6]), fields[11] as usize);
    if name_length == 0 || name_length > LONGEST_NAME {
        return Err(invalid("a name in the payload has an invalid length"));
    }
    let mut name = vec![0; name_length];
    archive.read_exact(&mut name)?;
    // Magic and fields take 110 bytes; header and name together are padded to a multiple of 4.
    skip_padding(archive, 110 + name_length as u64)?;
    if name.pop() != Some(0) {
        return Err(invalid("a name in the payload is not terminated"));
    }
    let name = names::text(&name);
    if name == "TRAILER!!!" { Ok(Member::Trailer) } else { Ok(Member::Named { name, size }) }
}

/// Skips what fills `length` bytes up to a multiple of 4.
pub(super) fn skip_padding(archive: &mut impl Read, length: u64) -> io::Result<()> {
    let padding = (4 - length % 4) % 4;
    archive.read_exact(&mut [0; 3][..padding as usize])
}

fn hex_field(archive: &mut impl Read) -> io::Result<u32> {
    let mut digits = [0; 8];
    archive.read_exact(&mut digits)?;
    let text = std::str::from_utf8(&digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
    text.and_then(|text| u32::from_str_radix(text, 16).ok()).ok_or_else(|| invalid("a number in the payload is not hexadecimal"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, size: u32) -> Vec<u8> {
        let mut bytes = b"070701".to_vec();
        for (at, field) in [0; 13].into_iter().enumerate() {
            let value = match at {
                6 => size,
                11 => name.len() as u32 + 1,
                _ => field,
            };
            bytes.extend(format!("{value:08x}").bytes());
        }
        bytes.extend(name.bytes());
        bytes.push(0);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn members() {
        let named = |name: &str, size| Member::Named { name: name.into(), size };
        assert_eq!(read_member(&mut &entry("./a", 5)[..]).unwrap(), named("./a", 5));
        assert_eq!(read_member(&mut &entry("./abcd", 0)[..]).unwrap(), named("./abcd", 0));
        assert_eq!(read_member(&mut &entry("TRAILER!!!", 0)[..]).unwrap(), Member::Trailer);
        assert_eq!(read_member(&mut &b"07070X0000000a\0\0"[..]).unwrap(), Member::Indexed(10));
    }

    #[test]
    fn damage_is_an_error() {
        let whole = entry("./a", 5);
        for cut in 0..whole.len() {
            assert!(read_member(&mut &whole[..cut]).is_err(), "{cut}");
        }
        let mut long = whole.clone();
        long[6 + 11 * 8..6 + 12 * 8].copy_from_slice(b"ffffffff");
        assert!(read_member(&mut &long[..]).is_err());
        let mut signed = whole;
        signed[6..14].copy_from_slice(b"+0000001");
        assert!(read_member(&mut &signed[..]).is_err());
    }
}
