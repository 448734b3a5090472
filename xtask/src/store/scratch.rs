//! Scratch directories: work in progress, on the same file system as the store.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use walkdir::WalkDir;

use super::{Store, StoreError};

/// A directory that vanishes when dropped, unless it is kept. A lock on it tells other processes that its owner lives.
#[derive(Debug)]
pub struct Scratch {
    folder: Option<TempDir>,
    _alive: File,
}

impl Store {
    /// A new, empty directory whose name begins with `label`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn scratch(&self, label: &str) -> Result<Scratch, StoreError> {
        let parent = self.root().join("scratch");
        let make = || -> io::Result<Scratch> {
            let folder = tempfile::Builder::new().prefix(&format!("{label}-")).tempdir_in(&parent)?;
            let alive = File::open(folder.path())?;
            alive.lock_shared()?;
            Ok(Scratch { folder: Some(folder), _alive: alive })
        };
        make().map_err(|source| StoreError::io("make a directory in", &parent, source))
    }
}

impl Scratch {
    /// The directory.
    ///
    /// # Panics
    /// Never: only `keep` and dropping take the folder away, and both end the value.
    pub fn path(&self) -> &Path {
        self.folder.as_ref().expect("the folder is there until the value ends").path()
    }

    /// Leaves the directory where it is and gives its path.
    ///
    /// # Panics
    /// Never, as [`Scratch::path`].
    pub fn keep(mut self) -> PathBuf {
        self.folder.take().expect("the folder is there until the value ends").keep()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(folder) = self.folder.take() {
            // What cannot be removed now is collected by `gc`, which knows it by its missing lock.
            let _ = remove_tree(&folder.keep());
        }
    }
}

/// Removes a directory and all in it, directories without write permission included (builds leave such).
///
/// # Errors
/// When something in it belongs to somebody else.
pub fn remove_tree(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(_) => {}
    }
    // A directory must be opened up before WalkDir reads it, so the children are visited after their parent.
    let open_up = |path: &Path| fs::set_permissions(path, Permissions::from_mode(0o700));
    open_up(path)?;
    for entry in WalkDir::new(path).follow_links(false).into_iter().flatten() {
        if entry.file_type().is_dir() {
            open_up(entry.path())?;
        }
    }
    fs::remove_dir_all(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_directories_are_removed_too() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let scratch = store.scratch("test").unwrap();
        let path = scratch.path().to_owned();
        fs::create_dir_all(path.join("a/b")).unwrap();
        fs::write(path.join("a/b/file"), "x").unwrap();
        fs::set_permissions(path.join("a/b"), Permissions::from_mode(0o000)).unwrap();
        drop(scratch);
        assert!(!path.exists());
    }
}
