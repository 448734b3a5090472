//! Reads archives of sources: the names of files, and the beginnings of a few of them.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;

use base::diagnostic::{ExitCode, Failure};
use planning::draft::{Archive, is_read};
use runtime::cancel::Cancel;

/// Why an archive could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It is not an archive, or of a kind that only programs of the SDK can read.
    #[error("cannot look into `{file}`: it is {kind}")]
    Unsupported {
        /// The file's name.
        file: String,
        /// Its kind.
        kind: &'static str,
    },
    /// It is damaged, or cannot be read.
    #[error("cannot read the archive `{file}`")]
    Io {
        /// The file's name.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl Failure for ArchiveError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Unsupported { kind, .. } if *kind == HTML => {
                Some("the address is that of a page: give the address of the archive itself".into())
            }
            Self::Unsupported { .. } => Some("name what the archive would tell: `--system SYSTEM --license SPDX`".into()),
            Self::Io { .. } => Some("fetch it again: it may have been cut off, or the address may give something else".into()),
            Self::Interrupted => None,
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::Unsupported { .. } | Self::Io { .. } => ExitCode::Failed,
            Self::Interrupted => ExitCode::Interrupted,
        }
    }
}

/// How many bytes of a file's beginning are kept.
const MOST_BYTES: u64 = 64 * 1024;

/// The name for a page that a server sent in place of an archive.
pub const HTML: &str = "a page of HTML";

/// The name for a file of an unknown kind.
pub const NOT_AN_ARCHIVE: &str = "not an archive";

/// Signatures of recognised files: offset, bytes, and kind.
const SIGNATURES: [(usize, &[u8], Kind); 12] = [
    (0, &[0x1f, 0x8b], Kind::Gzip),
    (0, &[0xfd, b'7', b'z', b'X', b'Z', 0], Kind::Xz),
    (0, &[0x28, 0xb5, 0x2f, 0xfd], Kind::Zstd),
    (257, b"ustar", Kind::Tar),
    (0, b"BZh", Kind::Other("compressed with bzip2")),
    (0, b"LZIP", Kind::Other("compressed with lzip")),
    (0, &[0x5d, 0, 0], Kind::Other("compressed with lzma")),
    (0, b"PK\x03\x04", Kind::Other("a zip archive")),
    (0, b"7z\xbc\xaf\x27\x1c", Kind::Other("a 7z archive")),
    (0, b"<!DOCTYPE", Kind::Other(HTML)),
    (0, b"<!doctype", Kind::Other(HTML)),
    (0, b"<html", Kind::Other(HTML)),
];

#[derive(Clone, Copy)]
enum Kind {
    Tar,
    Gzip,
    Xz,
    Zstd,
    Other(&'static str),
}

/// The kind of a file according to its beginning.
fn recognised(start: &[u8]) -> Kind {
    let found = SIGNATURES.iter().find(|(at, bytes, _)| start.get(*at..).is_some_and(|rest| rest.starts_with(bytes)));
    found.map_or(Kind::Other(NOT_AN_ARCHIVE), |(_, _, kind)| *kind)
}

/// The first bytes of a file, as many as are needed to recognise it.
fn start(file: &mut File) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    Read::by_ref(file).take(512).read_to_end(&mut start)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(start)
}

/// Whether the file at `path` is a web page, which servers send in place of missing or protected files.
pub(super) fn is_page(path: &Path) -> io::Result<bool> {
    let start = start(&mut File::open(path)?)?;
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start).trim_ascii_start();
    Ok(matches!(recognised(text), Kind::Other(HTML)))
}

/// The content of the archive at `path`; `file` is its name as shown to the user. Reads tar, plain or compressed with gzip, xz or zstd.
///
/// # Errors
/// When it is something else or damaged, or the user asked to stop.
pub fn archive(path: &Path, file: &str, cancel: &Cancel) -> Result<Archive, ArchiveError> {
    let io = |source| ArchiveError::Io { file: file.to_owned(), source };
    let mut opened = File::open(path).map_err(io)?;
    let kind = recognised(&start(&mut opened).map_err(io)?);
    let opened = BufReader::new(opened);
    let stream: Box<dyn Read> = match kind {
        Kind::Tar => Box::new(opened),
        Kind::Gzip => Box::new(MultiGzDecoder::new(opened)),
        Kind::Xz => Box::new(XzReader::new(opened, true)),
        Kind::Zstd => Box::new(zstd::Decoder::with_buffer(opened).map_err(io)?),
        Kind::Other(kind) => return Err(ArchiveError::Unsupported { file: file.to_owned(), kind }),
    };
    match read(stream, cancel) {
        Ok(Some(archive)) => Ok(archive),
        Ok(None) => Err(ArchiveError::Interrupted),
        Err(error) => Err(io(error)),
    }
}

/// The archive's files; `None` if the user asked to stop.
fn read(stream: impl Read, cancel: &Cancel) -> io::Result<Option<Archive>> {
    let mut found = Archive::default();
    for entry in tar::Archive::new(stream).entries()? {
        if cancel.is_raised() {
            return Ok(None);
        }
        let entry = entry?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let name = name.trim_start_matches("./");
        let kind = entry.header().entry_type();
        // Links count as files: `Makefile` or `COPYING` is one in some archives. Git's global header at the beginning does not count.
        if !(kind.is_file() || kind.is_hard_link() || kind.is_symlink() || kind.is_gnu_sparse()) || name.is_empty() {
            continue;
        }
        found.names.insert(name.to_owned());
        if is_read(name) {
            let mut bytes = Vec::new();
            entry.take(MOST_BYTES).read_to_end(&mut bytes)?;
            found.texts.insert(name.to_owned(), String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    Ok(Some(found))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn tarred() -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        // The beginning of archives by `git archive`, such as those of tags.
        let mut global = tar::Header::new_ustar();
        global.set_entry_type(tar::EntryType::XGlobalHeader);
        global.set_size(0);
        builder.append_data(&mut global, "pax_global_header", &b""[..]).unwrap();
        let mut directory = tar::Header::new_ustar();
        directory.set_entry_type(tar::EntryType::Directory);
        directory.set_size(0);
        builder.append_data(&mut directory, "./x-1/", &b""[..]).unwrap();
        for (name, text) in [("./x-1/configure", "#!/bin/sh"), ("./x-1/a.c", "int a;"), ("./x-1/COPYING", "a licence \u{fffd}")] {
            let mut header = tar::Header::new_ustar();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, name, text.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn read(bytes: &[u8]) -> Result<Archive, ArchiveError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        archive(file.path(), "x-1.tar", &Cancel::new())
    }

    fn gzipped(bytes: &[u8]) -> Vec<u8> {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(bytes).unwrap();
        gzip.finish().unwrap()
    }

    #[test]
    fn archives_of_each_kind_are_read() {
        let bytes = tarred();
        for packed in [bytes.clone(), gzipped(&bytes), zstd::encode_all(&bytes[..], 1).unwrap()] {
            let archive = read(&packed).unwrap();
            assert_eq!(archive.names.iter().collect::<Vec<_>>(), ["x-1/COPYING", "x-1/a.c", "x-1/configure"]);
            assert_eq!(archive.texts["x-1/configure"], "#!/bin/sh");
            assert!(!archive.texts.contains_key("x-1/a.c"));
        }
    }

    #[test]
    fn what_cannot_be_read_is_one_clear_error() {
        for (bytes, message) in [
            (&b"PK\x03\x04...."[..], "cannot look into `x-1.tar`: it is a zip archive"),
            (b"BZh91AY", "cannot look into `x-1.tar`: it is compressed with bzip2"),
            (b"<!DOCTYPE html>", "cannot look into `x-1.tar`: it is a page of HTML"),
            (b"#!/bin/sh\n", "cannot look into `x-1.tar`: it is not an archive"),
            (&gzipped(&tarred())[..60], "cannot read the archive `x-1.tar`"),
            (&gzipped(b"text"), "cannot read the archive `x-1.tar`"),
        ] {
            let error = read(bytes).unwrap_err();
            assert_eq!(error.to_string(), message);
            assert!(error.hint().is_some(), "{error}");
        }
    }

    #[test]
    fn a_raised_flag_stops_it() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&tarred()).unwrap();
        let cancel = Cancel::new();
        cancel.raise();
        assert!(matches!(archive(file.path(), "x", &cancel), Err(ArchiveError::Interrupted)));
    }
}
