//! Advisory locks between processes that share a store.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;

use super::{Store, StoreError};

/// A lock held until dropped; the kernel drops it when the process dies, however it dies.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Store {
    /// Waits for the lock called `name` and takes it. `waiting` is called once if somebody else has it.
    ///
    /// # Errors
    /// When the lock's file cannot be opened or locked.
    pub fn lock(&self, name: &str, waiting: impl FnOnce()) -> Result<Lock, StoreError> {
        let path = self.root().join("locks").join(name);
        let take = || -> io::Result<File> {
            let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
            match file.try_lock() {
                Ok(()) => Ok(file),
                Err(TryLockError::WouldBlock) => {
                    waiting();
                    file.lock()?;
                    Ok(file)
                }
                Err(TryLockError::Error(error)) => Err(error),
            }
        };
        take().map(|file| Lock { _file: file }).map_err(|source| StoreError::io("lock", &path, source))
    }
}
