//! One file of a package, as its header describes it.

/// What kind of thing a package's file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A directory.
    Directory,
    /// A regular file.
    Regular {
        /// Its size in bytes.
        size: u64,
        /// The checksum of its content, in lowercase hexadecimal; `None` for ghosts. Which it is its length says.
        digest: Option<String>,
        /// Files of one package with the same group are one file with several names.
        hardlink: Option<u32>,
    },
    /// A symbolic link.
    Symlink {
        /// Where it points, as written.
        target: String,
    },
}

impl FileKind {
    /// The checksum of a regular file.
    pub fn digest(&self) -> Option<&str> {
        match self {
            Self::Regular { digest, .. } => digest.as_deref(),
            Self::Directory | Self::Symlink { .. } => None,
        }
    }
}

/// How a file is treated when packages change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileFlags {
    /// Configuration: a changed file is not overwritten blindly.
    pub config: bool,
    /// A changed configuration file is kept and the new one laid next to it as `.rpmnew`.
    pub noreplace: bool,
    /// Owned, but not part of the payload: the program makes it.
    pub ghost: bool,
    /// Whoever removed it is right: it does not come back.
    pub missing_ok: bool,
}

/// A file of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageFile {
    /// Absolute path, normalised: no `.`, `..`, empty component or final slash.
    pub path: String,
    /// What it is.
    pub kind: FileKind,
    /// Permission bits, set-id and sticky bits included.
    pub mode: u16,
    /// Owner's name.
    pub user: String,
    /// Group's name.
    pub group: String,
    /// Time of last change, in seconds since 1970.
    pub mtime: u32,
    /// File capabilities as text (`cap_net_raw=ep`).
    pub caps: Option<String>,
    /// How it is treated.
    pub flags: FileFlags,
}
