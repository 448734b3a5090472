//! Users of a store: every process that has it open holds a shared lock, so that nothing is removed during a build.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use super::{Store, StoreError};

/// The name of the lock's file below `locks`.
pub(super) const FILE_NAME: &str = "in-use";

/// Registers a user of the store at `root`; waits while another process removes content.
pub(super) fn begin(root: &Path) -> Result<File, StoreError> {
    let path = root.join("locks").join(FILE_NAME);
    let open = || OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let take = || open().and_then(|file| file.lock_shared().map(|()| file));
    take().map_err(|source| StoreError::io("lock", &path, source))
}

/// Exclusive use of the store, until dropped.
#[derive(Debug)]
pub struct Alone<'a> {
    store: &'a Store,
}

impl Store {
    /// Locks the store exclusively, if no other process uses it. All values for this store in this process share one lock, so no other work
    /// may be in progress in it.
    ///
    /// # Errors
    /// [`StoreError::InUse`], or when locking fails for another reason.
    pub fn alone(&self) -> Result<Alone<'_>, StoreError> {
        match self.user.try_lock() {
            Ok(()) => Ok(Alone { store: self }),
            Err(error) => {
                // Converting one kind of lock into the other may release the previous one.
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
        // A lock that cannot be converted back is released when the store is closed.
        let _ = self.store.user.lock_shared();
    }
}
