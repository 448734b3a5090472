//! Where a tree's bytes come from.

use super::Rootfs;

/// Stands for the package of what was made while composing.
pub const MADE_HERE: &str = "(made while composing)";

impl Rootfs {
    /// The bytes of all files.
    pub fn size_bytes(&self) -> u64 {
        self.manifest.size_bytes()
    }
}
