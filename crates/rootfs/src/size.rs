//! The sizes of a tree.

use super::Rootfs;

/// The package name for files made while composing.
pub const MADE_HERE: &str = "(made while composing)";

impl Rootfs {
    /// The bytes of all files.
    pub fn size_bytes(&self) -> u64 {
        self.manifest.size_bytes()
    }
}
