//! Scratch directories: work in progress, on the same file system as the store.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

use tempfile::TempDir;

use super::notice::Notices;
use super::{Store, StoreError, remove_tree};

/// A directory that vanishes when dropped, unless it is kept. A lock on it tells other processes that its owner lives.
#[derive(Debug)]
pub struct Scratch {
    folder: Option<TempDir>,
    _alive: File,
    notices: Arc<Notices>,
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
            Ok(Scratch { folder: Some(folder), _alive: alive, notices: self.notices.clone() })
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
        // What cannot be removed now is collected by `gc`, which knows it by its missing lock.
        if let Some(folder) = self.folder.take()
            && let Err(error) = remove_tree(&folder.keep())
        {
            self.notices.leftover(&error);
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
        Self { left: Some(left), thread: thread::Builder::new().spawn(move || folders.into_iter().for_each(drop)).ok() }
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

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::PathBuf;
    use std::sync::Mutex;

    use nix::unistd::geteuid;

    use super::*;
    use crate::progress::{Event, Reporter};

    #[test]
    fn what_a_volatile_overlay_leaves_is_removed_too() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let scratch = store.scratch("test").unwrap();
        let path = scratch.path().to_owned();
        fs::create_dir_all(path.join("work/work/incompat/volatile")).unwrap();
        for closed in ["work/work/incompat/volatile", "work/work/incompat", "work/work"] {
            fs::set_permissions(path.join(closed), Permissions::from_mode(0o000)).unwrap();
        }
        drop(scratch);
        assert!(!path.exists());
    }

    #[derive(Default)]
    struct Warnings(Mutex<Vec<String>>);

    impl Reporter for Warnings {
        fn event(&self, event: Event) {
            let Event::Warning { message } = event else { panic!("{event:?}") };
            self.0.lock().unwrap().push(message);
        }
    }

    #[test]
    fn what_stays_is_reported_once_a_run() {
        let folder = tempfile::tempdir().unwrap();
        let warnings = Arc::new(Warnings::default());
        let store = Store::open(folder.path()).unwrap().reporting_to(warnings.clone());
        let scratches: Vec<_> = (0..3).map(|_| store.scratch("test").unwrap()).collect();
        let paths: Vec<PathBuf> = scratches.iter().map(|scratch| scratch.path().to_owned()).collect();
        let closed = folder.path().join("scratch");
        fs::set_permissions(&closed, Permissions::from_mode(0o500)).unwrap();
        scratches.into_iter().for_each(drop);
        fs::set_permissions(&closed, Permissions::from_mode(0o700)).unwrap();
        // Root removes what it likes.
        let expected = if geteuid().is_root() {
            Vec::new()
        } else {
            let end = "Permission denied (os error 13) (`cargo xtask gc` tries again and lists what stays)";
            vec![format!("cannot remove `{}`: {end}", paths[0].canonicalize().unwrap().display())]
        };
        assert_eq!(*warnings.0.lock().unwrap(), expected);
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
