//! The record of a composed root: enough to inspect and compare it without composing it again.

use serde::{Deserialize, Serialize};

use base::digest::Digest;
use rootfs::InstalledPackage;

/// The summary of a composed root, recorded under its key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RootRecord {
    /// The object with the complete [`Contents`](rootfs::contents::Contents).
    pub contents: Digest,
    /// Size of all its files, in bytes.
    pub size_bytes: u64,
    /// Its packages, in the order of installation.
    pub packages: Vec<InstalledPackage>,
}
