//! Trees: unpacked directories, published whole.

use std::fs;
use std::path::{Path, PathBuf};

use super::object::sync_folder;
use super::{Store, StoreError};
use crate::digest::Digest;

impl Store {
    /// The directory that `key` stands for, if it is at hand.
    pub fn existing_tree(&self, key: &Digest) -> Option<PathBuf> {
        let path = self.root().join("trees").join(key.hex());
        path.is_dir().then_some(path)
    }

    /// The directory that `key` stands for: at hand, or made now by `fill`, which is given an empty directory.
    /// Two processes that want the same tree make it once; `waiting` is called if the other is at it.
    ///
    /// # Errors
    /// What `fill` gives, or a store error.
    pub fn tree<E: From<StoreError>>(
        &self,
        key: &Digest,
        waiting: impl FnOnce(),
        fill: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<PathBuf, E> {
        let target = self.root().join("trees").join(key.hex());
        if target.is_dir() {
            return Ok(target);
        }
        let _lock = self.lock(&format!("tree-{key}"), waiting)?;
        if target.is_dir() {
            return Ok(target);
        }
        let scratch = self.scratch("tree")?;
        let filling = scratch.path().join("tree");
        fs::create_dir(&filling).map_err(|source| StoreError::io("make", &filling, source))?;
        fill(&filling)?;
        // One sync of the file system is far cheaper than one for each of the tree's thousands of files.
        fs::File::open(&filling)
            .and_then(|folder| nix::unistd::syncfs(folder).map_err(Into::into))
            .map_err(|source| StoreError::io("sync", &filling, source))?;
        fs::rename(&filling, &target).map_err(|source| StoreError::io("publish", &target, source))?;
        sync_folder(&self.root().join("trees"))?;
        Ok(target)
    }
}
