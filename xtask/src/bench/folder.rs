//! The working directory of a benchmark: in the store, or below a given directory.

use std::path::Path;

use tempfile::TempDir;

use super::{Bench, BenchError};
use runtime::store::Scratch;

/// A folder that is removed with this value.
pub enum Folder {
    /// A folder of the store.
    OfStore(Scratch),
    /// A folder in the given directory.
    Named(TempDir),
}

impl Folder {
    /// Creates a folder whose name begins with `label`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(bench: &Bench<'_>, label: &str) -> Result<Self, BenchError> {
        match &bench.scratch {
            Some(place) => {
                tempfile::Builder::new().prefix(label).tempdir_in(place).map(Self::Named).map_err(BenchError::io("make a folder in", place))
            }
            None => bench.builder.store.scratch(label).map(Self::OfStore).map_err(BenchError::around),
        }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        match self {
            Self::OfStore(scratch) => scratch.path(),
            Self::Named(folder) => folder.path(),
        }
    }
}

/// Waits until the disk is idle: a program that syncs would otherwise wait for another's unwritten data.
pub fn rest() {
    nix::unistd::sync();
}
