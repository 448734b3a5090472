//! Who uses a store: whoever has it open holds a shared lock, so that nothing is collected from under a build.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use super::{Store, StoreError};

/// The name of the lock's file below `locks`.
pub(super) const FILE_NAME: &str = "in-use";

/// Takes part in using the store at `root`; waits while somebody collects from it.
pub(super) fn begin(root: &Path) -> Result<File, StoreError> {
    let path = root.join("locks").join(FILE_NAME);
    let open = || OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let take = || open().and_then(|file| file.lock_shared().map(|()| file));
    take().map_err(|source| StoreError::io("lock", &path, source))
}

/// The store for oneself alone, until dropped.
#[derive(Debug)]
pub struct Alone<'a> {
    store: &'a Store,
}

impl Store {
    /// Takes the store for oneself, if nobody else uses it. All values that stand for this store in this process share one lock, so
    /// whoever calls this must be the only one at work.
    ///
    /// # Errors
    /// [`StoreError::InUse`], or when the lock cannot be had for another reason.
    pub fn alone(&self) -> Result<Alone<'_>, StoreError> {
        match self.user.try_lock() {
            Ok(()) => Ok(Alone { store: self }),
            Err(error) => {
                // Turning one kind of lock into the other may give up the one held before.
                let _ = self.user.lock_shared();
                Err(match error {
                    TryLockError::WouldBlock => StoreError::InUse { store: self.root().to_owned() },
                    TryLockError::Error(source) => StoreError::io("lock", &self.root().join("locks").join(FILE_NAME), source),
                })
            }
        }
    }
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        // A lock that cannot be turned back is given up when the store is closed.
        let _ = self.store.user.lock_shared();
    }
}
