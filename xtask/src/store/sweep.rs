//! Sweeping away what dead processes left.

use std::fs::{self, File};
use std::path::Path;

use serde::Serialize;
use walkdir::WalkDir;

use super::{Store, StoreError, remove_tree};

/// What a sweep found.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Files and directories at the top of the scratch area.
    pub items: u64,
    /// Bytes in them.
    pub bytes: u64,
}

impl Store {
    /// Removes everything in the scratch area that no living process holds, but what `is_kept` says to keep.
    ///
    /// # Errors
    /// When the scratch area cannot be read.
    pub(super) fn sweep_but(&self, dry_run: bool, is_kept: &dyn Fn(&Path) -> bool) -> Result<Swept, StoreError> {
        let folder = self.root().join("scratch");
        let entries = fs::read_dir(&folder).map_err(|source| StoreError::io("read", &folder, source))?;
        let mut swept = Swept::default();
        for entry in entries.flatten() {
            let path = entry.path();
            // A living owner holds a shared lock on its directory. Files are written by living processes only for moments, so old ones alone are rubbish.
            let is_free = if path.is_dir() { File::open(&path).is_ok_and(|file| file.try_lock().is_ok()) } else { is_old(&path) };
            if !is_free || is_kept(&path) {
                continue;
            }
            swept.items += 1;
            swept.bytes += size_bytes(&path);
            if !dry_run {
                remove_tree_or_file(&path)?;
            }
        }
        Ok(swept)
    }
}

fn is_old(path: &Path) -> bool {
    const HOUR_S: u64 = 3600;
    let age = fs::metadata(path).and_then(|meta| meta.modified()).ok().and_then(|time| time.elapsed().ok());
    age.is_some_and(|age| age.as_secs() > HOUR_S)
}

pub(super) fn size_bytes(path: &Path) -> u64 {
    WalkDir::new(path)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.metadata().ok())
        .filter(|meta| meta.is_file())
        .map(|meta| meta.len())
        .sum()
}

fn remove_tree_or_file(path: &Path) -> Result<(), StoreError> {
    let removed = if path.is_dir() { remove_tree(path) } else { fs::remove_file(path) };
    removed.map_err(|source| StoreError::io("remove", path, source))
}
