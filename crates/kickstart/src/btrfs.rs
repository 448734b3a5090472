//! What is inside of a Btrfs file system.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is inside of a Btrfs file system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Btrfs {
    /// The file system's name.
    pub label: Option<String>,
    /// Subvolumes to make in it.
    pub subvols: Vec<Subvolume>,
}

/// A subvolume of a Btrfs file system.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subvolume {
    /// Its name.
    pub name: String,
    /// Where it is mounted; without one it is only made.
    #[serde(default)]
    pub mountpoint: Option<String>,
    /// Subvolumes to make in it.
    #[serde(default)]
    pub subvols: Vec<Subvolume>,
}

/// A subvolume in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed<'a> {
    /// The path of its key, from that of the partition: `btrfs.subvols[0]`.
    pub key: String,
    /// Its path in the file system: `home/people`.
    pub path: String,
    /// What it is.
    pub subvolume: &'a Subvolume,
}

impl Btrfs {
    /// All subvolumes, each before those in it.
    pub fn all(&self) -> Vec<Placed<'_>> {
        let mut all = Vec::new();
        walk(&self.subvols, "btrfs", "", &mut all);
        all
    }
}

fn walk<'a>(subvolumes: &'a [Subvolume], key: &str, within: &str, into: &mut Vec<Placed<'a>>) {
    for (index, subvolume) in subvolumes.iter().enumerate() {
        let key = format!("{key}.subvols[{index}]");
        let path = if within.is_empty() { subvolume.name.clone() } else { format!("{within}/{}", subvolume.name) };
        into.push(Placed { key: key.clone(), path: path.clone(), subvolume });
        walk(&subvolume.subvols, &key, &path, into);
    }
}
