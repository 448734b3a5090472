//! Finds files in an ISO 9660 file system (ECMA-119), to start a kernel without its boot loader.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use base::diagnostic::Failure;

/// An ISO 9660 file system in a file.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    file: File,
    root: Extent,
    label: String,
}

/// Where a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Its first byte.
    pub offset_bytes: u64,
    /// Its length.
    pub size_bytes: u64,
}

/// Why a file was not found.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file of the host cannot be read.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is not an ISO 9660 file system.
    #[error("`{}` is not an ISO 9660 file system", path.display())]
    NotIso {
        /// The file.
        path: PathBuf,
    },
    /// It contains no such file.
    #[error("`{}` does not contain `{name}`", path.display())]
    NoFile {
        /// The ISO.
        path: PathBuf,
        /// The file looked for.
        name: String,
    },
}

impl Failure for ReadError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => Some("`cargo xtask build-iso` makes it".into()),
            _ => None,
        }
    }
}

const SECTOR: u64 = 2048;

impl Reader {
    /// Opens the file system in `path`.
    ///
    /// # Errors
    /// When it cannot be read or is not an ISO 9660 file system.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let trouble = |source| ReadError::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(trouble)?;
        let mut descriptor = [0; 190];
        match file.read_exact_at(&mut descriptor, 16 * SECTOR) {
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(trouble(error)),
            _ => {}
        }
        if !descriptor.starts_with(b"\x01CD001\x01") {
            return Err(ReadError::NotIso { path: path.to_owned() });
        }
        let label = String::from_utf8_lossy(&descriptor[40..72]).trim_end().to_owned();
        Ok(Self { path: path.to_owned(), file, root: extent(&descriptor[156..]), label })
    }

    /// The volume's label.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Where the file `name` (`boot/vmlinuz`) is.
    ///
    /// # Errors
    /// When it does not exist, or a directory cannot be read.
    pub fn find(&self, name: &str) -> Result<Extent, ReadError> {
        let mut at = self.root;
        for part in name.split('/') {
            let records = self.bytes(at)?;
            let missing = || ReadError::NoFile { path: self.path.clone(), name: name.to_owned() };
            at = child(&records, part).ok_or_else(missing)?;
        }
        Ok(at)
    }

    /// The bytes of an extent.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn bytes(&self, extent: Extent) -> Result<Vec<u8>, ReadError> {
        let trouble = |source| ReadError::Io { path: self.path.clone(), source };
        let length = self.file.metadata().map_err(trouble)?.len();
        if extent.offset_bytes.saturating_add(extent.size_bytes) > length {
            return Err(trouble(io::ErrorKind::UnexpectedEof.into()));
        }
        let mut bytes = vec![0; usize::try_from(extent.size_bytes).unwrap_or(usize::MAX)];
        self.file.read_exact_at(&mut bytes, extent.offset_bytes).map_err(trouble)?;
        Ok(bytes)
    }
}

/// The extent in a directory record (9.1): block at byte 2, length at byte 10, both little-endian first.
fn extent(record: &[u8]) -> Extent {
    let number =
        |at: usize| record.get(at..at + 4).map_or(0, |bytes| u64::from(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])));
    Extent { offset_bytes: number(2) * SECTOR, size_bytes: number(10) }
}

/// The entry `name` among a directory's records. Names are compared in the notation of ISO 9660: `VMLINUZ.;1` for `vmlinuz`.
fn child(records: &[u8], name: &str) -> Option<Extent> {
    let wanted = name.to_ascii_uppercase();
    let mut at = 0;
    while at < records.len() {
        let length = usize::from(records[at]);
        if length == 0 {
            // Records do not cross sectors; the rest of this one is empty.
            at = (at / 2048 + 1) * 2048;
            continue;
        }
        let record = records.get(at..at + length)?;
        let found = record.get(33..33 + usize::from(*record.get(32)?))?;
        let found = String::from_utf8_lossy(found);
        let plain = found.split(';').next().unwrap_or_default().trim_end_matches('.');
        if plain == wanted {
            return Some(extent(record));
        }
        at += length;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &[u8], block: u32, size: u32) -> Vec<u8> {
        let mut record = vec![0; 33];
        record[2..6].copy_from_slice(&block.to_le_bytes());
        record[10..14].copy_from_slice(&size.to_le_bytes());
        record[32] = name.len() as u8;
        record.extend_from_slice(name);
        record.resize(record.len().next_multiple_of(2), 0);
        record[0] = record.len() as u8;
        record
    }

    #[test]
    fn names_are_found_across_sectors() {
        let mut records = record(b"\0", 20, 2048);
        records.extend(record(b"ROOT.IMG;1", 30, 5));
        records.resize(2048, 0);
        records.extend(record(b"VMLINUZ.;1", 31, 7));
        assert_eq!(child(&records, "root.img"), Some(Extent { offset_bytes: 30 * 2048, size_bytes: 5 }));
        assert_eq!(child(&records, "vmlinuz"), Some(Extent { offset_bytes: 31 * 2048, size_bytes: 7 }));
        assert_eq!(child(&records, "vmlinu"), None);
        assert_eq!(child(&[9, 9], "x"), None);
    }
}
