//! Where a benchmark works: a folder of the store, or of the place that was named.

use std::path::Path;

use tempfile::TempDir;

use super::{Bench, BenchError};
use runtime::store::Scratch;

/// A folder that vanishes with it.
pub enum Folder {
    /// One of the store.
    OfStore(Scratch),
    /// One in the place that was named.
    Named(TempDir),
}

impl Folder {
    /// Makes one whose name begins with `label`.
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

    /// Where it is.
    pub fn path(&self) -> &Path {
        match self {
            Self::OfStore(scratch) => scratch.path(),
            Self::Named(folder) => folder.path(),
        }
    }
}

/// Lets the disk come to rest: who waits until everything is on it would wait for what another left unwritten.
pub fn rest() {
    nix::unistd::sync();
}
