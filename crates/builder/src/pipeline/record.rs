//! What is kept of a composed root: enough to look at it, and to compare two, without composing it again.

use serde::{Deserialize, Serialize};

use base::digest::Digest;
use rootfs::InstalledPackage;

/// A composed root, in short: the result recorded under its key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RootRecord {
    /// The object that contains the whole [`Contents`](rootfs::contents::Contents).
    pub contents: Digest,
    /// Size of all its files, in bytes.
    pub size_bytes: u64,
    /// Its packages, in the order of installation.
    pub packages: Vec<InstalledPackage>,
}
