//! Reads Debian binary packages (deb(5)): an `ar` archive whose member `data.tar.*` contains the package's files.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _};
use std::ops::Range;
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;

/// Why a file cannot be read as a Debian package.
#[derive(Debug, thiserror::Error)]
pub enum DebError {
    /// It cannot be read.
    #[error("cannot read it")]
    Io(#[from] io::Error),
    /// It does not begin like an `ar` archive, or a member's header is damaged.
    #[error("not a Debian package: {reason} at byte {offset}")]
    Damaged {
        /// What is wrong.
        reason: &'static str,
        /// The offset in the file.
        offset: u64,
    },
    /// An unknown version of the format.
    #[error("unknown version `{version}` of the format of Debian packages; 2 is known")]
    Version {
        /// The version in the package.
        version: String,
    },
    /// An unknown compression.
    #[error("unknown compression of `{member}`; known are none, gzip, xz and zstd")]
    Compression {
        /// The member's name.
        member: String,
    },
}

/// The first bytes of every `ar` archive.
const MAGIC: [u8; 8] = *b"!<arch>\n";

/// The size of a member's header, in bytes.
const HEADER_BYTES: usize = 60;

/// A member's header: name, size in bytes.
struct Member {
    name: String,
    size_bytes: u64,
}

/// The uncompressed tar stream of a package's files, as printed by `dpkg-deb --fsys-tarfile`.
///
/// # Errors
/// When the file cannot be read or is not a Debian package.
pub fn files(deb: &Path) -> Result<Box<dyn Read>, DebError> {
    let mut file = BufReader::new(File::open(deb)?);
    let mut magic = [0; MAGIC.len()];
    file.read_exact(&mut magic)?;
    if magic != MAGIC {
        return Err(DebError::Damaged { reason: "not an `ar` archive", offset: 0 });
    }
    check_version(&mut file)?;
    while let Some(member) = next_member(&mut file)? {
        if member.name == "data.tar" || member.name.starts_with("data.tar.") {
            return decoder(&member.name, file.take(member.size_bytes));
        }
        skip(&mut file, padded(member.size_bytes))?;
    }
    Err(DebError::Damaged { reason: "no member `data.tar`", offset: file.stream_position()? })
}

/// The first member is `debian-binary`, the format's version in a line of text. Minor versions are compatible.
fn check_version(file: &mut BufReader<File>) -> Result<(), DebError> {
    let first = next_member(file)?.filter(|member| member.name == "debian-binary");
    let size_bytes = first.ok_or(DebError::Damaged { reason: "no member `debian-binary`", offset: MAGIC.len() as u64 })?.size_bytes;
    let mut version = Vec::new();
    file.take(size_bytes.min(64)).read_to_end(&mut version)?;
    skip(file, padded(size_bytes).saturating_sub(version.len() as u64))?;
    let version = String::from_utf8_lossy(&version).trim_end().to_owned();
    if version.starts_with("2.") { Ok(()) } else { Err(DebError::Version { version }) }
}

/// Reads a member's header; `None` at the end of the archive.
fn next_member(file: &mut BufReader<File>) -> Result<Option<Member>, DebError> {
    let offset = file.stream_position()?;
    let damaged = || DebError::Damaged { reason: "a damaged header of a member", offset };
    let mut header = Vec::new();
    file.take(HEADER_BYTES as u64).read_to_end(&mut header)?;
    if header.is_empty() {
        return Ok(None);
    }
    if header.len() < HEADER_BYTES || header[58..] != *b"`\n" || !header.is_ascii() {
        return Err(damaged());
    }
    let text = |range: Range<usize>| String::from_utf8_lossy(&header[range]).trim_end().to_owned();
    // GNU's ar ends names with a slash.
    let name = text(0..16).trim_end_matches('/').to_owned();
    Ok(Some(Member { name, size_bytes: text(48..58).parse().map_err(|_| damaged())? }))
}

/// Members begin at even offsets.
fn padded(size_bytes: u64) -> u64 {
    size_bytes.saturating_add(size_bytes % 2)
}

fn skip(file: &mut BufReader<File>, bytes: u64) -> io::Result<()> {
    file.seek_relative(i64::try_from(bytes).unwrap_or(i64::MAX))
}

fn decoder(member: &str, packed: io::Take<BufReader<File>>) -> Result<Box<dyn Read>, DebError> {
    Ok(match member {
        "data.tar" => Box::new(packed),
        "data.tar.gz" => Box::new(MultiGzDecoder::new(packed)),
        "data.tar.xz" => Box::new(XzReader::new(packed, true)),
        "data.tar.zst" => Box::new(zstd::Decoder::with_buffer(packed)?),
        _ => return Err(DebError::Compression { member: member.to_owned() }),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// `TEXT` compressed with `xz`, because this program has no encoder for it.
    const XZ: &str = "fd377a585a000004e6d6b4460200210116000000742fe5a30100167468652066696c6573206f662061207061636b6167650a000022d5ab4f8294c6be00012f17810849b11fb6f37d010000000004595a";
    const TEXT: &[u8] = b"the files of a package\n";

    fn member(name: &str, content: &[u8]) -> Vec<u8> {
        let padding: &[u8] = if content.len() % 2 == 1 { b"\n" } else { b"" };
        [format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100_644, content.len()).as_bytes(), content, padding].concat()
    }

    fn package(version: &[u8], member_name: &str, content: &[u8]) -> Vec<u8> {
        [&MAGIC[..], &member("debian-binary", version), &member("control.tar", b"odd"), &member(member_name, content)].concat()
    }

    fn read(bytes: &[u8]) -> Result<Vec<u8>, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let mut all = Vec::new();
        let mut stream = files(file.path()).map_err(|error| error.to_string())?;
        stream.read_to_end(&mut all).map(|_| all).map_err(|error| error.to_string())
    }

    #[test]
    fn all_compressions_are_read() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(TEXT).unwrap();
        for (name, content) in [
            ("data.tar", TEXT.to_vec()),
            ("data.tar/", TEXT.to_vec()),
            ("data.tar.gz", gzip.finish().unwrap()),
            ("data.tar.xz", hex::decode(XZ).unwrap()),
            ("data.tar.zst", zstd::encode_all(TEXT, 1).unwrap()),
        ] {
            assert_eq!(read(&package(b"2.0\n", name, &content)).as_deref(), Ok(TEXT), "{name}");
            assert_eq!(read(&package(b"2.0 and more", name, &content)).as_deref(), Ok(TEXT), "{name}");
        }
    }

    #[test]
    fn what_is_damaged_or_unknown_is_refused() {
        let good = package(b"2.0\n", "data.tar.xz", &hex::decode(XZ).unwrap());
        let mut flipped = good.clone();
        let middle = good.len() - 40;
        flipped[middle] ^= 1;
        for (bytes, reason) in [
            (b"PK\x03\x04 no package".to_vec(), "not an `ar` archive at byte 0"),
            (MAGIC.to_vec(), "no member `debian-binary` at byte 8"),
            (good[..100].to_vec(), "a damaged header of a member at byte 72"),
            (package(b"3.0\n", "data.tar", TEXT), "unknown version `3.0`"),
            (package(b"2.0\n", "data.tar.lzma", TEXT), "unknown compression of `data.tar.lzma`"),
            (package(b"2.0\n", "other", TEXT), "no member `data.tar`"),
            (package(b"2.0\n", "data.tar.xz", TEXT), ""),
            (good[..good.len() - 10].to_vec(), ""),
            (flipped, ""),
        ] {
            let error = read(&bytes).unwrap_err();
            assert!(error.contains(reason), "{reason}: {error}");
        }
    }
}
