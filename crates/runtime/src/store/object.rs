//! Objects: files named by the SHA-256 of their content.

use std::fs::{self, File, Permissions};
use std::io::{self, Read as _, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::{Store, StoreError};
use base::digest::{Digest, Hasher};

/// An object being written; its content is hashed on the way.
pub struct ObjectWriter<'a> {
    store: &'a Store,
    file: NamedTempFile,
    hasher: Hasher,
}

impl Store {
    /// The path of the object with this digest, if it exists; its content is not verified.
    pub fn object(&self, digest: &Digest) -> Option<PathBuf> {
        let path = self.object_path(digest);
        path.is_file().then_some(path)
    }

    /// The object with this digest, after verifying its content.
    ///
    /// # Errors
    /// [`StoreError::Missing`], or [`StoreError::Corrupt`] after setting the file aside so that it is never used.
    pub fn verified(&self, digest: &Digest) -> Result<PathBuf, StoreError> {
        let path = self.object_path(digest);
        let found = match Digest::of_file(&path) {
            Ok(found) => found,
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Err(StoreError::Missing { digest: *digest }),
            Err(source) => return Err(StoreError::io("read", &path, source)),
        };
        if found == *digest {
            return Ok(path);
        }
        let aside = self.root().join("scratch").join(format!("corrupt-{digest}"));
        fs::rename(&path, &aside).map_err(|source| StoreError::io("set aside", &path, source))?;
        Err(StoreError::Corrupt { expected: *digest, found, aside })
    }

    /// Begins a new object.
    ///
    /// # Errors
    /// When no file can be created.
    pub fn writer(&self) -> Result<ObjectWriter<'_>, StoreError> {
        let folder = self.root().join("scratch");
        let file = tempfile::Builder::new()
            .prefix("object-")
            .tempfile_in(&folder)
            .map_err(|source| StoreError::io("write in", &folder, source))?;
        Ok(ObjectWriter { store: self, file, hasher: Hasher::new() })
    }

    /// Stores bytes.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn put_bytes(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        let mut writer = self.writer()?;
        writer.write_all(bytes).map_err(|source| StoreError::io("write", writer.file.path(), source))?;
        writer.publish()
    }

    /// Stores a copy of a file.
    ///
    /// # Errors
    /// When it cannot be read or the copy cannot be written.
    pub fn put_file(&self, path: &Path) -> Result<Digest, StoreError> {
        let mut source = File::open(path).map_err(|source| StoreError::io("read", path, source))?;
        let mut writer = self.writer()?;
        let mut buffer = vec![0; 128 * 1024];
        loop {
            let read = source.read(&mut buffer).map_err(|source| StoreError::io("read", path, source))?;
            if read == 0 {
                return writer.publish();
            }
            writer.write_all(&buffer[..read]).map_err(|source| StoreError::io("write", writer.file.path(), source))?;
        }
    }

    /// Moves a file of [`Store::scratch`] into the store. Nothing is copied, and holes are kept.
    ///
    /// # Errors
    /// When it cannot be read, synced or renamed.
    pub fn adopt(&self, path: &Path) -> Result<Digest, StoreError> {
        let digest = Digest::of_file(path).map_err(|source| StoreError::io("read", path, source))?;
        let target = self.object_path(&digest);
        let folder = target.parent().expect("objects lie in a folder");
        fs::create_dir_all(folder).map_err(|source| StoreError::io("make", folder, source))?;
        let finish = || -> io::Result<()> {
            fs::set_permissions(path, Permissions::from_mode(0o444))?;
            File::open(path)?.sync_all()?;
            fs::rename(path, &target)
        };
        finish().map_err(|source| StoreError::io("publish", &target, source))?;
        sync_folder(folder)?;
        Ok(digest)
    }

    fn object_path(&self, digest: &Digest) -> PathBuf {
        let name = digest.hex();
        self.root().join("objects").join(&name[..2]).join(name)
    }
}

impl Write for ObjectWriter<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.file.write(buffer)?;
        self.hasher.update(&buffer[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl ObjectWriter<'_> {
    /// Syncs the object and gives it its final name, so that it becomes visible.
    ///
    /// # Errors
    /// When it cannot be synced or renamed.
    pub fn publish(self) -> Result<Digest, StoreError> {
        let digest = self.hasher.finish();
        let target = self.store.object_path(&digest);
        let folder = target.parent().expect("objects lie in a folder");
        fs::create_dir_all(folder).map_err(|source| StoreError::io("make", folder, source))?;
        let path = self.file.path().to_owned();
        let finish = || -> io::Result<()> {
            self.file.as_file().set_permissions(Permissions::from_mode(0o444))?;
            self.file.as_file().sync_all()
        };
        finish().map_err(|source| StoreError::io("write", &path, source))?;
        self.file.persist(&target).map_err(|error| StoreError::io("publish", &target, error.error))?;
        sync_folder(folder)?;
        Ok(digest)
    }
}

/// Makes a rename in `folder` survive a power cut.
pub(super) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|source| StoreError::io("sync", folder, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        (folder, store)
    }

    #[test]
    fn what_is_put_is_found_again() {
        let (_folder, store) = store();
        let digest = store.put_bytes(b"content").unwrap();
        assert_eq!(digest, Digest::of_bytes("content"));
        assert_eq!(fs::read(store.verified(&digest).unwrap()).unwrap(), b"content");
        assert_eq!(store.put_file(&store.object(&digest).unwrap()).unwrap(), digest);
    }

    #[test]
    fn a_flipped_byte_is_found_named_and_never_used_again() {
        let (_folder, store) = store();
        let digest = store.put_bytes(b"content").unwrap();
        let path = store.object(&digest).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        fs::write(&path, b"c0ntent").unwrap();
        assert!(matches!(store.verified(&digest), Err(StoreError::Corrupt { expected, .. }) if expected == digest));
        assert!(matches!(store.verified(&digest), Err(StoreError::Missing { .. })));
        assert_eq!(store.put_bytes(b"content").unwrap(), digest);
        assert!(store.verified(&digest).is_ok());
    }

    #[test]
    fn an_adopted_file_moves_in() {
        let (_folder, store) = store();
        let scratch = store.scratch("test").unwrap();
        let path = scratch.path().join("file");
        fs::write(&path, b"content").unwrap();
        let digest = store.adopt(&path).unwrap();
        assert_eq!(digest, Digest::of_bytes("content"));
        assert!(!path.exists() && store.verified(&digest).is_ok());
    }

    #[test]
    fn an_unpublished_object_leaves_nothing() {
        let (folder, store) = store();
        drop(store.writer().unwrap());
        assert_eq!(fs::read_dir(folder.path().join("scratch")).unwrap().count(), 0);
    }
}
