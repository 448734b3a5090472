//! The single changes a transaction makes to the files of a system, each of which can be taken back whenever it was interrupted.

use serde::{Deserialize, Serialize};

use super::plan::Put;
use crate::package::PackageFile;

/// What a file is besides its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attributes {
    /// Permission bits, set-id and sticky bits included.
    pub(super) mode: u16,
    /// Owner's name.
    pub(super) user: String,
    /// Group's name.
    pub(super) group: String,
    /// File capabilities as text.
    pub(super) caps: Option<String>,
}

impl Attributes {
    pub(super) fn of(file: &PackageFile) -> Self {
        Self { mode: file.mode, user: file.user.clone(), group: file.group.clone(), caps: file.caps.clone() }
    }

    /// Those of a directory that no package contains.
    pub(super) fn implied() -> Self {
        Self { mode: 0o755, user: "root".into(), group: "root".into(), caps: None }
    }
}

/// Owner and permissions as they are on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ownership {
    pub(super) mode: u16,
    pub(super) user: u32,
    pub(super) group: u32,
}

/// One change. Paths are places: absolute, normalised, no link on the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Op {
    /// A link or file is put aside for a directory.
    Displace { path: String, aside: String },
    /// A directory is made; there was none.
    MakeDirectory { path: String, attributes: Attributes },
    /// A directory that is there gets owner and permissions.
    Adjust { path: String, attributes: Attributes, was: Ownership },
    /// What was written to `new` becomes `path`; what was there before is `aside` until all is done.
    Put { path: String, new: String, aside: Option<String> },
    /// A file goes: it is `aside` until all is done.
    Remove { path: String, aside: String },
    /// A directory goes when all is done, if nothing is left in it.
    RemoveDirectory { path: String },
}

impl Op {
    /// What it changes.
    pub(super) fn path(&self) -> &str {
        match self {
            Self::Displace { path, .. }
            | Self::MakeDirectory { path, .. }
            | Self::Adjust { path, .. }
            | Self::Put { path, .. }
            | Self::Remove { path, .. }
            | Self::RemoveDirectory { path } => path,
        }
    }

    /// The name under which the old state is kept, if it keeps any.
    pub(super) fn aside(&self) -> Option<&str> {
        match self {
            Self::Displace { aside, .. } | Self::Remove { aside, .. } | Self::Put { aside: Some(aside), .. } => Some(aside),
            Self::MakeDirectory { .. } | Self::Adjust { .. } | Self::Put { aside: None, .. } | Self::RemoveDirectory { .. } => None,
        }
    }

    /// Whether it is done before anything of the old state is touched that a program might miss.
    pub(super) fn prepares(&self) -> bool {
        matches!(self, Self::Displace { .. } | Self::MakeDirectory { .. })
    }
}

/// What is written to a temporary name before any [`Op::Put`]. Files are given by their place in the package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Content from the payload, or nothing where the payload writes it anyway.
    Content(usize),
    /// Another name of a file staged before.
    Hardlink { to: Put },
    /// A symbolic link.
    Symlink(usize),
    /// The file as it is on disk, kept under another name.
    Keep { path: String },
}
