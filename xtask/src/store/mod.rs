//! The store: everything fetched or built, by content.
//!
//! ```text
//! objects/ab/<sha256>   files: sources, packages, images
//! results/<key>.json    what an action gave, by its key
//! trees/<sha256>/       unpacked directories: SDK layers, packages
//! logs/<name>           build logs
//! scratch/<name>/       work in progress; whatever is here without a living owner is rubbish
//! locks/<name>          advisory locks
//! ```
//!
//! Whatever has its final name is whole: it was written under `scratch`, synced, then renamed. Nothing is ever changed in
//! place, so readers need no lock and a process killed at any point leaves rubbish in `scratch` at worst.

mod collect;
mod error;
mod leftover;
mod lock;
mod object;
mod owner;
mod remove;
mod result;
mod scratch;
mod sweep;
mod tally;
mod tree;
mod usage;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use leftover::Leftovers;

pub use collect::{Collected, Collection, Needs, Rules};
pub use error::{StoreError, full_disk_hint};
pub use lock::Lock;
pub use object::ObjectWriter;
pub use owner::{ForeignStore, check_owner};
pub use remove::{RemoveError, remove_tree};
pub use scratch::{Scratch, Sweeper};
pub use tally::Swept;
pub use usage::Alone;

use crate::progress::Reporter;

/// A store in a directory.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
    /// Holds a shared lock: see [`Store::alone`].
    user: Arc<File>,
    /// Reports what could not be removed.
    leftovers: Arc<Leftovers>,
}

impl Store {
    /// Opens the store in `root`, making what is missing. Waits while somebody collects what nothing needs from it.
    ///
    /// # Errors
    /// When a directory cannot be made.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        Self::open_at(root).map_err(StoreError::while_opening)
    }

    fn open_at(root: &Path) -> Result<Self, StoreError> {
        for folder in ["objects", "results", "trees", "logs", "scratch", "locks"] {
            let path = root.join(folder);
            fs::create_dir_all(&path).map_err(|source| StoreError::io("make", &path, source))?;
        }
        let root = root.canonicalize().map_err(|source| StoreError::io("open", root, source))?;
        let user = Arc::new(usage::begin(&root)?);
        Ok(Self { root, user, leftovers: Arc::default() })
    }

    /// The same store; what it could not remove is reported to `reporter`, once.
    pub fn reporting_to(self, reporter: Arc<dyn Reporter>) -> Self {
        Self { leftovers: Arc::new(Leftovers::reported_to(reporter)), ..self }
    }

    /// The store's directory, absolute.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the log called `name` lies or will lie.
    pub fn log(&self, name: &str) -> PathBuf {
        self.root.join("logs").join(name)
    }
}
