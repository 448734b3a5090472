//! Advisory locks between processes that share a store.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::thread;

use super::collect::read;
use super::{RemoveError, Store, StoreError, usage};
use crate::cancel::CHECK;

/// A lock held until dropped; the kernel releases it when the process ends for any reason.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Store {
    /// Waits for the lock `name` and takes it. `waiting` is called once if another process has it.
    ///
    /// # Errors
    /// When the lock's file cannot be opened or locked, or the user asks to stop before it is free.
    pub fn lock(&self, name: &str, waiting: impl FnOnce()) -> Result<Lock, StoreError> {
        let mut waiting = Some(waiting);
        let taken = self.take_lock(name, &mut |file| {
            waiting.take().into_iter().for_each(|waiting| waiting());
            self.wait_for(file)
        })?;
        taken.ok_or(StoreError::Interrupted)
    }

    /// Takes the lock `name`, unless somebody has it.
    ///
    /// # Errors
    /// When the lock's file cannot be opened or locked.
    pub fn try_lock(&self, name: &str) -> Result<Option<Lock>, StoreError> {
        self.take_lock(name, &mut |_| Ok(false))
    }

    /// Waits until a file is locked, for which its holder may build for an hour; `false` if the user asks to stop.
    fn wait_for(&self, file: &File) -> io::Result<bool> {
        while !self.cancel.is_raised() {
            match file.try_lock() {
                Ok(()) => return Ok(true),
                // Waiting in the system could not be interrupted: the signal's handler only raises the flag.
                Err(TryLockError::WouldBlock) => thread::sleep(CHECK),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Ok(false)
    }

    /// Takes a lock. If somebody has it, `wait` returns whether it has been taken nevertheless.
    fn take_lock(&self, name: &str, wait: &mut dyn FnMut(&File) -> io::Result<bool>) -> Result<Option<Lock>, StoreError> {
        let path = self.root().join("locks").join(name);
        let mut take = || -> io::Result<Option<File>> {
            loop {
                let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
                let is_taken = match file.try_lock() {
                    Ok(()) => true,
                    Err(TryLockError::WouldBlock) => wait(&file)?,
                    Err(TryLockError::Error(error)) => return Err(error),
                };
                if !is_taken {
                    return Ok(None);
                }
                // A file that was removed between opening and locking excludes nobody.
                if is_named(&file, &path)? {
                    return Ok(Some(file));
                }
            }
        };
        let taken = take().map_err(|source| StoreError::io("lock", &path, source))?;
        Ok(taken.map(|file| Lock { _file: file }))
    }

    /// Removes all locks that are not held. Returns those that cannot be removed.
    pub(super) fn collect_locks(&self) -> Result<Vec<RemoveError>, StoreError> {
        let paths = read(&self.root().join("locks"))?;
        let free = paths.into_iter().filter(|path| !path.ends_with(usage::FILE_NAME)).filter_map(|path| {
            let file = File::open(&path).ok()?;
            // It is removed while locked, so that a process that opened it before notices.
            file.try_lock().ok()?;
            fs::remove_file(&path).err().map(|source| RemoveError { path, others: 0, source })
        });
        Ok(free.collect())
    }
}

/// Whether an open file is the one at `path`.
fn is_named(file: &File, path: &Path) -> io::Result<bool> {
    let opened = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (opened.dev(), opened.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::cancel::Cancel;

    #[test]
    fn who_waits_can_be_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let cancel = Cancel::new();
        let store = Store::open(folder.path()).unwrap().stopped_by(&cancel);
        let held = store.try_lock("one").unwrap();
        assert!(held.is_some() && store.try_lock("one").unwrap().is_none());
        assert!(matches!(store.lock("one", || cancel.raise()), Err(StoreError::Interrupted)));
        // What is free is not waited for.
        assert!(store.lock("other", || {}).is_ok());
    }

    #[test]
    fn two_never_hold_one_lock_while_locks_are_collected() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let (holders, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let _lock = store.lock("one", || {}).unwrap();
                        assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0);
                        holders.fetch_sub(1, Ordering::SeqCst);
                        taken.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
            while taken.load(Ordering::SeqCst) < 800 {
                assert!(store.collect_locks().unwrap().is_empty());
            }
        });
    }
}
