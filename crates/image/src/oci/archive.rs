//! The archive of a container image.

use std::fs::File;
use std::io::{BufWriter, Read, Write as _};
use std::path::{Path, PathBuf};

use tar::{Builder, EntryType, Header};

use base::epoch::SOURCE_DATE_EPOCH;
use base::file_error::FileError;

/// An archive being written.
pub struct TarArchive {
    path: PathBuf,
    builder: Builder<BufWriter<File>>,
}

impl TarArchive {
    /// Begins an archive.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(path: &Path) -> Result<Self, FileError> {
        let file = File::create(path).map_err(FileError::of("write", path))?;
        Ok(Self { path: path.to_owned(), builder: Builder::new(BufWriter::with_capacity(1 << 20, file)) })
    }

    /// Adds a directory; its name ends with a slash.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn directory(&mut self, name: &str) -> Result<(), FileError> {
        self.append(name, EntryType::Directory, 0, std::io::empty())
    }

    /// Adds a file of these bytes.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn bytes(&mut self, name: &str, bytes: &[u8]) -> Result<(), FileError> {
        self.append(name, EntryType::Regular, bytes.len() as u64, bytes)
    }

    /// Adds the file `from`.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn file(&mut self, name: &str, from: &Path) -> Result<(), FileError> {
        let file = File::open(from).map_err(FileError::of("read", from))?;
        let size_bytes = file.metadata().map_err(FileError::of("read", from))?.len();
        self.append(name, EntryType::Regular, size_bytes, file)
    }

    /// Ends the archive.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(self) -> Result<(), FileError> {
        self.builder.into_inner().and_then(|mut out| out.flush()).map_err(FileError::of("write", &self.path))
    }

    fn append(&mut self, name: &str, kind: EntryType, size_bytes: u64, content: impl Read) -> Result<(), FileError> {
        let mut header = Header::new_ustar();
        let write = FileError::of("write", &self.path);
        header.set_path(name).map_err(&write)?;
        header.set_entry_type(kind);
        header.set_size(size_bytes);
        header.set_mode(if kind.is_dir() { 0o755 } else { 0o644 });
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(SOURCE_DATE_EPOCH.into());
        header.set_cksum();
        self.builder.append(&header, content).map_err(write)
    }
}
