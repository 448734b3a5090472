//! A disk before it is written in any format: extents of memory and files at offsets, and zeros between them.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::FormatError;
use base::digest::Digest;
use base::file_error::FileError;

/// A disk with random access for any number of threads.
#[derive(Clone, Debug)]
pub struct VirtualDisk {
    size_bytes: u64,
    /// Identifies the content; formats derive their own identities from it.
    identity: Digest,
    /// By offset, not overlapping.
    extents: Vec<Extent>,
}

#[derive(Clone, Debug)]
struct Extent {
    offset_bytes: u64,
    size_bytes: u64,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    Memory(Arc<[u8]>),
    File { file: Arc<File>, path: PathBuf },
}

impl VirtualDisk {
    /// An empty disk. `identity` must identify the content that will be put on it.
    pub fn new(size_bytes: u64, identity: Digest) -> Self {
        Self { size_bytes, identity, extents: Vec::new() }
    }

    /// Its size, in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// The identity of its content.
    pub fn identity(&self) -> &Digest {
        &self.identity
    }

    /// Puts bytes at an offset.
    ///
    /// # Errors
    /// When they overlap others or are outside of the disk.
    pub fn put(&mut self, offset_bytes: u64, bytes: Vec<u8>) -> Result<(), FormatError> {
        self.insert(Extent { offset_bytes, size_bytes: bytes.len() as u64, content: Content::Memory(bytes.into()) })
    }

    /// Puts a whole file at an offset.
    ///
    /// # Errors
    /// When it cannot be opened, overlaps others or is outside of the disk.
    pub fn put_file(&mut self, offset_bytes: u64, path: &Path) -> Result<(), FormatError> {
        let io = |source| FormatError::Io(FileError::new("read", path, source));
        let file = File::open(path).map_err(io)?;
        let size_bytes = file.metadata().map_err(io)?.len();
        self.insert(Extent { offset_bytes, size_bytes, content: Content::File { file: file.into(), path: path.to_owned() } })
    }

    fn insert(&mut self, extent: Extent) -> Result<(), FormatError> {
        let end = extent.offset_bytes.saturating_add(extent.size_bytes);
        let at = self.extents.partition_point(|other| other.offset_bytes < extent.offset_bytes);
        let overlaps_previous = at.checked_sub(1).is_some_and(|previous| self.extents[previous].end() > extent.offset_bytes);
        let overlaps_next = self.extents.get(at).is_some_and(|next| next.offset_bytes < end);
        if overlaps_previous || overlaps_next || end > self.size_bytes {
            return Err(FormatError::Overlap { offset_bytes: extent.offset_bytes, size_bytes: extent.size_bytes });
        }
        self.extents.insert(at, extent);
        Ok(())
    }

    /// Fills `buffer` with the disk's content from `offset_bytes` on, with zeros where it has none and past its end. Returns whether there
    /// was any content: after `false` the buffer is all zeros.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> Result<bool, FormatError> {
        buffer.fill(0);
        let end = offset_bytes.saturating_add(buffer.len() as u64);
        let first = self.extents.partition_point(|extent| extent.end() <= offset_bytes);
        let mut met = false;
        for extent in self.extents[first..].iter().take_while(|extent| extent.offset_bytes < end) {
            met = true;
            let from = extent.offset_bytes.max(offset_bytes);
            let to = extent.end().min(end);
            let target = &mut buffer[index(from - offset_bytes)..index(to - offset_bytes)];
            extent.content.read_at(from - extent.offset_bytes, target)?;
        }
        Ok(met)
    }

    /// The numbers of the pieces of `piece_bytes` with content, counted from the disk's start. The last piece may be shorter.
    pub(super) fn pieces(&self, piece_bytes: u64) -> Vec<u64> {
        let mut pieces: Vec<u64> = Vec::new();
        for extent in self.extents.iter().filter(|extent| extent.size_bytes > 0) {
            let first = extent.offset_bytes / piece_bytes;
            let first = pieces.last().map_or(first, |last| first.max(last + 1));
            pieces.extend(first..extent.end().div_ceil(piece_bytes));
        }
        pieces
    }
}

impl Extent {
    fn end(&self) -> u64 {
        self.offset_bytes + self.size_bytes
    }
}

impl Content {
    fn read_at(&self, offset_bytes: u64, target: &mut [u8]) -> Result<(), FormatError> {
        match self {
            Self::Memory(bytes) => {
                target.copy_from_slice(&bytes[index(offset_bytes)..][..target.len()]);
                Ok(())
            }
            Self::File { file, path } => {
                file.read_exact_at(target, offset_bytes).map_err(|source| FormatError::Io(FileError::new("read", path, source)))
            }
        }
    }
}

/// A length within memory, which fits into `usize` on the supported 64-bit machines.
fn index(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn parts_are_read_where_they_were_put() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"file").unwrap();
        let mut disk = VirtualDisk::new(100, Digest::of_bytes("x"));
        disk.put_file(40, file.path()).unwrap();
        disk.put(10, b"memory".to_vec()).unwrap();
        let mut buffer = [7; 48];
        assert!(disk.read_at(0, &mut buffer).unwrap());
        assert_eq!((&buffer[9..17], &buffer[39..45]), (&b"\0memory\0"[..], &b"\0file\0"[..]));
        assert!(!disk.read_at(16, &mut buffer[..24]).unwrap());
        assert_eq!(buffer[..24], [0; 24]);
        assert_eq!(disk.pieces(4), [2, 3, 10]);
        assert_eq!(disk.pieces(64), [0]);
        for (offset, bytes) in [(15, "12"), (8, "123"), (43, "x"), (99, "12")] {
            assert!(matches!(disk.put(offset, bytes.into()), Err(FormatError::Overlap { .. })), "{offset}");
        }
    }
}
