//! Results: small JSON documents by the key of the action that produced them.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::object::sync_folder;
use super::{Store, StoreError};
use base::digest::Digest;

impl Store {
    /// The result recorded under `key`, if there is one.
    ///
    /// # Errors
    /// When it exists but cannot be read; a result that is not a valid `T` is set aside first.
    pub fn result<T: DeserializeOwned>(&self, key: &Digest) -> Result<Option<T>, StoreError> {
        self.result_as(key, |bytes| serde_json::from_slice(bytes))
    }

    /// The result recorded under `key`, if there is one, parsed by `read`.
    ///
    /// # Errors
    /// When it exists but cannot be read; one that `read` cannot parse is set aside first.
    pub fn result_as<T>(&self, key: &Digest, read: impl FnOnce(&[u8]) -> serde_json::Result<T>) -> Result<Option<T>, StoreError> {
        let path = self.result_path(key);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StoreError::io("read", &path, source)),
        };
        match read(&bytes) {
            Ok(value) => Ok(Some(value)),
            Err(source) => {
                let aside = self.root().join("scratch").join(format!("corrupt-result-{key}"));
                fs::rename(&path, &aside).map_err(|source| StoreError::io("set aside", &path, source))?;
                Err(StoreError::BadResult { path: aside, source })
            }
        }
    }

    /// Records a result under `key`. The objects that it refers to must have been stored before.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put_result(&self, key: &Digest, value: &impl Serialize) -> Result<(), StoreError> {
        let path = self.result_path(key);
        let folder = path.parent().expect("results lie in a folder");
        let write = || -> io::Result<()> {
            let mut file = tempfile::Builder::new().prefix("result-").tempfile_in(self.root().join("scratch"))?;
            serde_json::to_writer_pretty(&mut file, value)?;
            file.write_all(b"\n")?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(|source| StoreError::io("write", &path, source))?;
        sync_folder(folder)
    }

    /// The keys of all results.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn result_keys(&self) -> Result<Vec<Digest>, StoreError> {
        let folder = self.root().join("results");
        let read = || -> io::Result<Vec<_>> { fs::read_dir(&folder)?.map(|entry| Ok(entry?.file_name())).collect() };
        let names = read().map_err(|source| StoreError::io("read", &folder, source))?;
        let mut keys: Vec<Digest> = names.iter().filter_map(|name| name.to_str()?.strip_suffix(".json")?.parse().ok()).collect();
        keys.sort();
        Ok(keys)
    }

    /// Removes the result under `key`, if there is one. Its objects stay until they are collected.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn forget_result(&self, key: &Digest) -> Result<(), StoreError> {
        let path = self.result_path(key);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::io("remove", &path, error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// The file of the result under `key`.
    pub fn result_path(&self, key: &Digest) -> PathBuf {
        self.root().join("results").join(format!("{key}.json"))
    }
}
