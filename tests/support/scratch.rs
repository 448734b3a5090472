//! A test's directory on disk.

use std::path::{Path, PathBuf};

use runtime::store::remove_tree;

/// A directory that vanishes with this value, even if a sandbox left directories in it that are closed to their owner.
pub struct Scratch(PathBuf);

impl Scratch {
    /// An empty directory, next to cargo's output.
    pub fn new() -> Self {
        Self(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap().keep())
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let removed = remove_tree(&self.0);
        assert!(removed.is_ok() || std::thread::panicking(), "{removed:?}");
    }
}
