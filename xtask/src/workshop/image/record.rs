//! What is kept of a composed root: enough to look at it, and to compare two, without composing it again.

use std::fs;

use serde::{Deserialize, Serialize};
use tdnf::manifest::Manifest;

use crate::digest::Digest;
use crate::rootfs::{InstalledPackage, Rootfs};

/// A composed root, in short: the result recorded under its key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RootRecord {
    /// The object that holds the whole [`Contents`].
    pub contents: Digest,
    /// Size of all its files, in bytes.
    pub size_bytes: u64,
    /// Its packages, in the order of installation.
    pub packages: Vec<InstalledPackage>,
}

/// All that is in a root.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// Every path.
    pub manifest: Manifest,
    /// Its packages, in the order of installation.
    pub packages: Vec<InstalledPackage>,
    /// The kernel's release and its whole configuration, where there is a kernel.
    pub kernel: Option<(String, String)>,
}

impl Contents {
    /// What is in a composed root. A kernel that keeps its configuration to itself counts as one without options.
    pub fn of(rootfs: &Rootfs) -> Self {
        let kernel = rootfs.kernel_release.as_ref().map(|release| {
            let path = rootfs.on_disk(&format!("/usr/lib/modules/{release}/config"));
            (release.clone(), fs::read_to_string(path).unwrap_or_default())
        });
        Self { manifest: rootfs.manifest.clone(), packages: rootfs.packages.clone(), kernel }
    }
}
