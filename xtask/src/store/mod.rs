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

mod error;
mod lock;
mod object;
mod result;
mod scratch;
mod sweep;
mod tree;

use std::fs;
use std::path::{Path, PathBuf};

pub use error::StoreError;
pub use lock::Lock;
pub use object::ObjectWriter;
pub use scratch::{Scratch, remove_tree};
pub use sweep::Swept;

/// A store in a directory.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// Opens the store in `root`, making what is missing.
    ///
    /// # Errors
    /// When a directory cannot be made.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        for folder in ["objects", "results", "trees", "logs", "scratch", "locks"] {
            let path = root.join(folder);
            fs::create_dir_all(&path).map_err(|source| StoreError::io("make", &path, source))?;
        }
        let root = root.canonicalize().map_err(|source| StoreError::io("open", root, source))?;
        Ok(Self { root })
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
