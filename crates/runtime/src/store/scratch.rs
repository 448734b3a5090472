//! Scratch directories: work in progress, on the same file system as the store.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::notice::Notices;
use super::{Store, StoreError, remove_tree};
use crate::cancel::{CHECK, Cancel};

/// The prefix of names of scratch directories that only need to be removed.
const LEFT: &str = "left-";

/// A directory that vanishes when dropped, unless it is kept. A lock on it shows other processes that its owner is alive.
///
/// After the user asks to stop, it is not removed, because that takes a minute for a large tree on a busy disk, but renamed for
/// [`Store::left`].
#[derive(Debug)]
pub struct Scratch {
    folder: Option<PathBuf>,
    _alive: File,
    notices: Arc<Notices>,
    cancel: Cancel,
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
            Ok(self.scratch_at(folder.keep(), alive))
        };
        make().map_err(|source| StoreError::io("make a directory in", &parent, source))
    }

    /// Scratch directories that interrupted builders set aside and no process is removing. Dropping one removes it.
    ///
    /// # Errors
    /// When the scratch area cannot be read.
    pub fn left(&self) -> Result<Vec<Scratch>, StoreError> {
        let parent = self.root().join("scratch");
        let read = || -> io::Result<Vec<PathBuf>> { fs::read_dir(&parent)?.map(|entry| entry.map(|entry| entry.path())).collect() };
        let paths = read().map_err(|source| StoreError::io("read", &parent, source))?;
        let left = paths.into_iter().filter(|path| is_left(path));
        // Those that cannot be opened are left to `gc`; those that are locked are being removed.
        let free = left.filter_map(|path| File::open(&path).ok().filter(|folder| folder.try_lock().is_ok()).map(|folder| (path, folder)));
        Ok(free.map(|(path, folder)| self.scratch_at(path, folder)).collect())
    }

    fn scratch_at(&self, folder: PathBuf, alive: File) -> Scratch {
        Scratch { folder: Some(folder), _alive: alive, notices: self.notices.clone(), cancel: self.cancel.clone() }
    }
}

fn is_left(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(LEFT.as_bytes()))
}

impl Scratch {
    /// The directory.
    ///
    /// # Panics
    /// Never: only `keep` and dropping take the folder, and both end the value.
    pub fn path(&self) -> &Path {
        self.folder.as_ref().expect("the folder is there until the value ends")
    }

    /// Leaves the directory where it is and returns its path.
    ///
    /// # Panics
    /// Never, as for [`Scratch::path`].
    pub fn keep(mut self) -> PathBuf {
        self.folder.take().expect("the folder is there until the value ends")
    }

    /// Renames the directory, so that the next builder removes it if this one does not.
    fn set_aside(&mut self) {
        let Some(folder) = self.folder.as_mut().filter(|folder| !is_left(folder)) else { return };
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let aside = folder.with_file_name(format!("{LEFT}{name}"));
        // If this fails, `gc` removes it under its old name, because it is not locked.
        if fs::rename(&*folder, &aside).is_ok() {
            *folder = aside;
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.cancel.is_raised() {
            self.set_aside();
            return;
        }
        // What cannot be removed now is removed by `gc`, because it is not locked.
        if let Some(folder) = self.folder.take()
            && let Err(error) = remove_tree(&folder)
        {
            self.notices.leftover(&error);
        }
    }
}

/// Removes scratch directories in the background: a large tree takes seconds. When dropped, it waits until all are removed, unless the user
/// wants to stop; then the next builder removes the rest.
#[derive(Debug)]
pub struct Sweeper {
    folders: Option<Sender<Scratch>>,
    /// Closed when all have been removed.
    done: Mutex<Receiver<()>>,
    cancel: Cancel,
}

impl Sweeper {
    /// A sweeper without work, with `cancel` as the flag to stop.
    pub fn new(cancel: &Cancel) -> Self {
        let (folders, given) = mpsc::channel();
        let (working, done) = mpsc::channel();
        // If the host allows no further thread, there is no receiver, and each folder is removed by the sender.
        let _ = thread::Builder::new().spawn(move || {
            given.into_iter().for_each(drop);
            drop(working);
        });
        Self { folders: Some(folders), done: Mutex::new(done), cancel: cancel.clone() }
    }

    /// Removes `scratch` soon.
    pub fn sweep(&self, mut scratch: Scratch) {
        // The process may end before it is removed.
        scratch.set_aside();
        if let Some(folders) = &self.folders {
            // If the sweeper's thread has ended, the folder is returned and removed here.
            let _ = folders.send(scratch);
        }
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        self.folders.take();
        let done = self.done.get_mut().unwrap_or_else(PoisonError::into_inner);
        while !self.cancel.is_raised() && done.recv_timeout(CHECK) == Err(RecvTimeoutError::Timeout) {}
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::PathBuf;

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
    fn leftovers_are_reported_once_per_run() {
        let folder = tempfile::tempdir().unwrap();
        let warnings = Arc::new(Warnings::default());
        let store = Store::open(folder.path()).unwrap().reporting_to(warnings.clone());
        let scratches: Vec<_> = (0..3).map(|_| store.scratch("test").unwrap()).collect();
        let paths: Vec<PathBuf> = scratches.iter().map(|scratch| scratch.path().to_owned()).collect();
        let closed = folder.path().join("scratch");
        fs::set_permissions(&closed, Permissions::from_mode(0o500)).unwrap();
        scratches.into_iter().for_each(drop);
        fs::set_permissions(&closed, Permissions::from_mode(0o700)).unwrap();
        // Root can remove everything.
        let expected = if geteuid().is_root() {
            Vec::new()
        } else {
            let end = "Permission denied (os error 13) (`cargo xtask gc` tries again and lists what remains)";
            vec![format!("cannot remove `{}`: {end}", paths[0].canonicalize().unwrap().display())]
        };
        assert_eq!(*warnings.0.lock().unwrap(), expected);
    }

    #[test]
    fn a_sweeper_has_removed_all_when_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let sweeper = Sweeper::new(&Cancel::new());
        for _ in 0..3 {
            let scratch = store.scratch("test").unwrap();
            fs::create_dir_all(scratch.path().join("a/b")).unwrap();
            sweeper.sweep(scratch);
        }
        drop(sweeper);
        assert!(names(folder.path()).is_empty());
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder.join("scratch")).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_stopped_builder_leaves_removal_to_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let cancel = Cancel::new();
        let store = Store::open(folder.path()).unwrap().stopped_by(&cancel);
        let sweeper = Sweeper::new(&cancel);
        let scratches: Vec<_> = (0..3).map(|_| store.scratch("build-linux").unwrap()).collect();
        scratches.iter().for_each(|scratch| fs::create_dir_all(scratch.path().join("a/b")).unwrap());
        let kept = store.scratch("failed").unwrap().keep();
        let mut scratches = scratches.into_iter();
        cancel.raise();
        sweeper.sweep(scratches.next().unwrap());
        drop((sweeper, scratches));
        // The sweeper drops folders in its own thread.
        let other = Store::open(folder.path()).unwrap();
        let left = loop {
            let left = other.left().unwrap();
            if left.len() == 3 {
                break left;
            }
            left.into_iter().for_each(|scratch| drop(scratch.keep()));
            thread::yield_now();
        };
        assert!(left.iter().all(|scratch| scratch.path().join("a/b").is_dir()), "{left:?}");
        assert_eq!(names(folder.path()).iter().filter(|name| name.starts_with("left-build-linux-")).count(), 3);
        assert!(other.left().unwrap().is_empty(), "another builder is at it");
        drop(left);
        assert_eq!(names(folder.path()), [kept.file_name().unwrap().to_str().unwrap()]);
    }
}
