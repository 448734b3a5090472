//! The store: everything fetched or built, by content.
//!
//! ```text
//! objects/ab/<sha256>   files: sources, packages, images
//! results/<key>.json    what an action produced, by its key
//! trees/<sha256>/       unpacked directories: SDK layers, packages
//! logs/<name>           build logs
//! scratch/<name>/       work in progress; anything without a living owner is garbage
//! locks/<name>          advisory locks
//! ```
//!
//! Everything with its final name is complete: it was written under `scratch`, synced, then renamed. Nothing is ever changed in place, so
//! readers need no lock, and a process killed at any point leaves at most garbage in `scratch`.

mod checkout;
mod collect;
mod error;
mod facts;
mod lock;
mod notice;
mod object;
mod owner;
mod remove;
mod result;
mod scratch;
mod sweep;
mod tally;
mod tree;
mod usage;

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use notice::Notices;

pub use collect::{Collected, Collection, Needs, Rules};
pub use error::{StoreError, full_disk_hint};
pub use lock::Lock;
pub use object::ObjectWriter;
pub use owner::{ForeignStore, check_owner};
pub use remove::{RemoveError, remove_tree};
pub use scratch::{Scratch, Sweeper};
pub use tally::Swept;
pub use tree::TreeState;
pub use usage::Alone;

use crate::cancel::Cancel;
use crate::progress::Reporter;
use base::digest::Digest;

/// The mode of directories of a store. Unpacked packages contain all kinds of programs and files, which users other than the store's owner
/// must neither run nor read.
const PRIVATE: u32 = 0o700;

/// Closes a directory of the store to other users, which older builders did not. If that fails, the directory belongs to another user, who
/// is responsible for it.
fn keep_private(path: &Path) -> io::Result<()> {
    let is_open = fs::metadata(path)?.permissions().mode() & 0o077 != 0;
    if is_open
        && let Err(error) = fs::set_permissions(path, Permissions::from_mode(PRIVATE))
        && error.kind() != io::ErrorKind::PermissionDenied
    {
        return Err(error);
    }
    Ok(())
}

/// A store in a directory.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
    /// Holds a shared lock: see [`Store::alone`].
    user: Arc<File>,
    /// Messages to the user.
    notices: Arc<Notices>,
    /// Trees that this process found undamaged.
    whole_trees: Arc<Mutex<BTreeSet<Digest>>>,
    /// The checkout that uses it, if there is one.
    checkout: Option<checkout::Mark>,
    /// Raised when the user wants to stop: from then on, nothing large is removed.
    cancel: Cancel,
}

impl Store {
    /// Opens the store in `root`, creating what is missing. Waits while another process removes unneeded content.
    ///
    /// # Errors
    /// When a directory cannot be made.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        Self::open_at(root).map_err(StoreError::while_opening)
    }

    fn open_at(root: &Path) -> Result<Self, StoreError> {
        let make = |path: &Path| DirBuilder::new().recursive(true).mode(PRIVATE).create(path);
        make(root).map_err(|source| StoreError::io("make", root, source))?;
        for folder in ["objects", "results", "trees", "logs", "scratch", "locks"] {
            let path = root.join(folder);
            make(&path).and_then(|()| keep_private(&path)).map_err(|source| StoreError::io("make", &path, source))?;
        }
        let root = root.canonicalize().map_err(|source| StoreError::io("open", root, source))?;
        let user = Arc::new(usage::begin(&root)?);
        Ok(Self { root, user, notices: Arc::default(), whole_trees: Arc::default(), checkout: None, cancel: Cancel::new() })
    }

    /// The same store, with warnings sent to `reporter`.
    pub fn reporting_to(self, reporter: Arc<dyn Reporter>) -> Self {
        Self { notices: Arc::new(Notices::to(reporter)), ..self }
    }

    /// The same store, with `cancel` as the flag to stop.
    pub fn stopped_by(self, cancel: &Cancel) -> Self {
        Self { cancel: cancel.clone(), ..self }
    }

    /// The store's directory, absolute.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn a_new_store_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("cache/kaon");
        Store::open(&root).unwrap();
        assert_eq!(mode(&root), 0o700);
    }

    #[test]
    fn a_store_that_others_could_read_is_closed_and_the_directory_it_lies_in_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        Store::open(folder.path()).unwrap();
        let folders = || ["objects", "results", "trees", "logs", "scratch", "locks"].map(|name| folder.path().join(name));
        for path in folders() {
            fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
        }
        Store::open(folder.path()).unwrap();
        assert_eq!(folders().map(|path| mode(&path)), [0o700; 6]);
        assert_eq!(mode(folder.path()), 0o755);
    }
}
