//! Errors of the SDK.

use std::io;
use std::path::Path;

use super::LayerName;
use super::deb::DebError;
use crate::apt::AptError;
use base::address::without_passwords;
use base::diagnostic::{ExitCode, Failure, Problems};
use base::digest::Digest;
use base::file_error::FileError;
use runtime::store::StoreError;

/// Why the SDK is not available.
#[derive(Debug, thiserror::Error)]
pub enum SdkError {
    /// `sdk.toml` or `sdk.lock` is wrong.
    #[error(transparent)]
    Description(#[from] Problems),
    /// The layer is not described.
    #[error("the SDK has no layer `{name}`; it has {known}")]
    UnknownLayer {
        /// Its name.
        name: LayerName,
        /// The known layers, joined.
        known: String,
    },
    /// `--locked`, and the lock was made for another `sdk.toml`.
    #[error("`specs/sdk.lock` does not match layer `{name}` of `specs/sdk.toml`, and --locked forbids changing it")]
    LockOutdated {
        /// The layer.
        name: LayerName,
    },
    /// `--locked`, and the archive has dropped locked packages.
    #[error("the Debian archive no longer has {} of the locked packages, for example {}, and --locked forbids using others", paths.len(), paths[0])]
    PackagesGone {
        /// Paths in the pool; at least one.
        paths: Vec<String>,
    },
    /// A layer cannot be updated alone.
    #[error("this layer needs the layer `{name}` below it to be another one than locked: {}", some(changes))]
    BelowMoved {
        /// The layer below.
        name: LayerName,
        /// What differs, package by package.
        changes: Vec<String>,
    },
    /// A package cannot be fetched, although the current index has it.
    #[error("cannot fetch `{path}` from the Debian archive: {}", without_passwords(reason))]
    Fetch {
        /// Its path in the pool.
        path: String,
        /// Why, mirror by mirror.
        reason: String,
    },
    /// A package does not match the signed index.
    #[error("`{}` returned other content than locked: expected SHA-256 {expected}, found {found}", without_passwords(uri))]
    WrongBytes {
        /// Where it came from.
        uri: String,
        /// The digest in the lock.
        expected: Digest,
        /// The digest of what was received.
        found: Digest,
    },
    /// A package cannot be unpacked.
    #[error("cannot unpack Debian package `{package}`")]
    Unpack {
        /// Its name.
        package: String,
        /// Why.
        source: UnpackError,
    },
    /// A link of `sdk.toml` has no target.
    #[error("the link `{link}` of SDK layer `{layer}` points to `{target}`, which the layer does not contain")]
    DanglingLink {
        /// The layer.
        layer: LayerName,
        /// The link.
        link: String,
        /// Its target.
        target: String,
    },
    /// A file of a layer, or of the project.
    #[error(transparent)]
    Io(FileError),
    /// The Debian archive.
    #[error(transparent)]
    Apt(#[from] AptError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a `.deb` cannot be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// Its content cannot be read or written.
    #[error("cannot unpack its content")]
    Content(#[from] io::Error),
    /// The file is not a package.
    #[error(transparent)]
    Package(#[from] DebError),
    /// A path is outside of the tree.
    #[error("it contains the path `{path}`, which is outside of the tree")]
    Outside {
        /// The path.
        path: String,
    },
    /// Another package of the layer contains the same file.
    #[error("another package of the layer also contains `{path}`")]
    Conflict {
        /// The path.
        path: String,
    },
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

/// The first few changes, for people.
pub(super) fn some(changes: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = changes.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if changes.len() > SHOWN { format!("{shown} and {} more", changes.len() - SHOWN) } else { shown }
}

impl SdkError {
    /// An I/O error at `path`.
    pub fn io(operation: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io(FileError::new(operation, path, source))
    }

    fn is_interruption(&self) -> bool {
        matches!(self, Self::Apt(AptError::Interrupted) | Self::Unpack { source: UnpackError::Interrupted, .. })
    }
}

impl Failure for SdkError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Description(problems) => Some(problems),
            Self::Apt(error) => Some(error),
            Self::Store(error) => Some(error),
            Self::UnknownLayer { .. }
            | Self::LockOutdated { .. }
            | Self::PackagesGone { .. }
            | Self::BelowMoved { .. }
            | Self::Fetch { .. }
            | Self::WrongBytes { .. }
            | Self::Unpack { .. }
            | Self::DanglingLink { .. }
            | Self::Io(_) => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownLayer { .. } => Some("`cargo xtask sdk status` shows the layers; they are described in `specs/sdk.toml`".into()),
            Self::LockOutdated { .. } | Self::PackagesGone { .. } => {
                Some("`cargo xtask sdk update` resolves the SDK again; review and commit `specs/sdk.lock`".into())
            }
            Self::BelowMoved { name, .. } => Some(format!(
                "`cargo xtask sdk update {name}` updates that layer and all that stand on it, and so builds their packages again"
            )),
            Self::Fetch { .. } => Some("run the same command again; KAON_DEBIAN_MIRROR=URL selects another mirror".into()),
            Self::WrongBytes { .. } => Some("the mirror or a proxy changes files: KAON_DEBIAN_MIRROR=URL selects another mirror".into()),
            Self::DanglingLink { .. } => Some("correct `links` of the layer in `specs/sdk.toml`".into()),
            Self::Description(_) | Self::Apt(_) | Self::Store(_) | Self::Unpack { .. } | Self::Io(_) => self.inner()?.hint(),
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            _ if self.is_interruption() => ExitCode::Interrupted,
            Self::UnknownLayer { .. } | Self::DanglingLink { .. } => ExitCode::Description,
            Self::Description(_)
            | Self::LockOutdated { .. }
            | Self::PackagesGone { .. }
            | Self::BelowMoved { .. }
            | Self::Fetch { .. }
            | Self::WrongBytes { .. }
            | Self::Unpack { .. }
            | Self::Io(_)
            | Self::Apt(_)
            | Self::Store(_) => self.inner().map_or(ExitCode::Failed, Failure::exit),
        }
    }
}
