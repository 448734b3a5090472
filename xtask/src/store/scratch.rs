//! Scratch directories: work in progress, on the same file system as the store.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

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

/// Removes scratch directories while other work goes on: a large tree takes its disk seconds. Waits for the last when dropped.
#[derive(Debug)]
pub struct Sweeper {
    left: Option<Sender<Scratch>>,
    thread: Option<JoinHandle<()>>,
}

impl Sweeper {
    /// A sweeper with nothing to do.
    pub fn new() -> Self {
        let (left, folders) = mpsc::channel();
        Self { left: Some(left), thread: Some(thread::spawn(move || folders.into_iter().for_each(drop))) }
    }

    /// Removes `scratch` soon.
    pub fn sweep(&self, scratch: Scratch) {
        if let Some(left) = &self.left {
            // A sweeper that is gone gives the folder back, and it is removed here.
            let _ = left.send(scratch);
        }
    }
}

impl Default for Sweeper {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        self.left.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
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

    #[test]
    fn a_sweeper_has_removed_all_when_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let sweeper = Sweeper::new();
        let paths: Vec<_> = (0..3)
            .map(|_| {
                let scratch = store.scratch("test").unwrap();
                let path = scratch.path().to_owned();
                fs::create_dir_all(path.join("a/b")).unwrap();
                sweeper.sweep(scratch);
                path
            })
            .collect();
        drop(sweeper);
        assert!(paths.iter().all(|path| !path.exists()));
    }
}
