//! Files of private keys: reads them, and creates missing ones.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::SignError;

/// A file with one private key as text, readable only by its owner.
#[derive(Debug, Clone)]
pub struct KeyFile {
    folder: PathBuf,
    path: PathBuf,
}

impl KeyFile {
    /// The file `name` in the directory of keys `folder`.
    pub fn new(folder: &Path, name: &str) -> Self {
        Self { folder: folder.to_owned(), path: folder.join(name) }
    }

    /// The path of the key.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the error for a file without a usable key.
    pub fn unusable(&self, reason: impl Into<String>) -> SignError {
        SignError::Unusable { path: self.path.clone(), reason: reason.into() }
    }

    /// The text of the file, if there is such a file.
    ///
    /// # Errors
    /// When it cannot be read, is not text, or others may read it.
    pub fn read(&self) -> Result<Option<String>, SignError> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(self.unusable("it is not text")),
            Err(source) => return Err(SignError::io("read", &self.path, source)),
        };
        let mode = fs::metadata(&self.path).map_err(|source| SignError::io("read", &self.path, source))?.mode();
        if mode & 0o077 != 0 {
            return Err(SignError::Exposed { path: self.path.clone(), mode: mode & 0o777 });
        }
        Ok(Some(text))
    }

    /// The key that `parse` makes from the file's text. If there is no file yet, it is written with the text that `generate` returns.
    /// Concurrent builders create only one key.
    ///
    /// # Errors
    /// When the directory or file cannot be used, and errors of the two functions.
    pub fn open_or_create<Key, Error: From<SignError>>(
        &self,
        parse: impl Fn(&str) -> Result<Key, Error>,
        generate: impl FnOnce() -> Result<String, Error>,
    ) -> Result<Key, Error> {
        if let Some(text) = self.read()? {
            return parse(&text);
        }
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder).map_err(|source| SignError::io("make", &self.folder, source))?;
        let _lock = lock(&self.folder.join("lock"))?;
        if let Some(text) = self.read()? {
            return parse(&text);
        }
        let text = generate()?;
        self.publish(text.as_bytes())?;
        parse(&text)
    }

    /// Writes the file atomically.
    fn publish(&self, bytes: &[u8]) -> Result<(), SignError> {
        let write = || {
            let mut file = tempfile::Builder::new().prefix(".key-").tempfile_in(&self.folder)?;
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            file.persist_noclobber(&self.path).map_err(|error| error.error)?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(|source| SignError::io("write", &self.path, source))
    }
}

/// Waits until no other process creates a key.
fn lock(path: &Path) -> Result<File, SignError> {
    let take = || {
        let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
        file.lock()?;
        Ok(file)
    };
    take().map_err(|source| SignError::io("lock", path, source))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn open(file: &KeyFile, new: &str) -> Result<String, SignError> {
        file.open_or_create(|text| Ok(text.to_owned()), || Ok(new.to_owned()))
    }

    #[test]
    fn a_key_is_made_once_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::new(&folder.path().join("keys"), "x.key");
        assert!(file.read().unwrap().is_none());
        assert_eq!(open(&file, "first").unwrap(), "first");
        assert_eq!(open(&file, "second").unwrap(), "first");
        assert_eq!(fs::metadata(file.path()).unwrap().mode() & 0o777, 0o600);
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(open(&file, "second"), Err(SignError::Exposed { mode: 0o640, .. })));
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(file.path(), [0xff]).unwrap();
        assert!(matches!(open(&file, "second"), Err(SignError::Unusable { .. })));
    }

    #[test]
    fn a_key_that_cannot_be_made_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::new(folder.path(), "x.key");
        let failed: Result<(), SignError> = file.open_or_create(|_| Ok(()), || Err(file.unusable("no entropy")));
        assert!(matches!(failed, Err(SignError::Unusable { .. })));
        assert!(!file.path().exists());
    }
}
