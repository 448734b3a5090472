//! Why a disk could not be written.

use std::io;
use std::path::Path;

use base::diagnostic::Failure;
use base::file_error::FileError;

/// Why a disk could not be written.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// A file could not be read or written.
    #[error(transparent)]
    Io(FileError),
    /// Something is where something else does, or outside the disk.
    #[error("{size_bytes} bytes at {offset_bytes} overlap another part of the disk or its end")]
    Overlap {
        /// Its offset, in bytes.
        offset_bytes: u64,
        /// Its size, in bytes.
        size_bytes: u64,
    },
    /// The format does not support disks of this size.
    #[error("{format} supports disks of at most {most_bytes} bytes, and this one has {size_bytes}")]
    TooLarge {
        /// The format.
        format: &'static str,
        /// The disk's size, in bytes.
        size_bytes: u64,
        /// The format's limit, in bytes.
        most_bytes: u64,
    },
    /// Compression failed.
    #[error("cannot compress a piece of the disk")]
    Compress(#[source] io::Error),
}

impl Failure for FormatError {}

impl FormatError {
    /// Makes the error for `path` that cannot be written.
    pub(super) fn write(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        move |source| Self::Io(FileError::new("write", path, source))
    }
}
