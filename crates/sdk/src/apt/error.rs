//! Errors of the Debian archive.

use std::io;
use std::path::{Path, PathBuf};

use super::InvalidMirror;
use base::address::without_passwords;
use base::diagnostic::{ExitCode, Failure};
use base::file_error::FileError;
use runtime::store::StoreError;
use runtime::tool::ToolError;

/// Why an operation with the Debian archive failed.
#[derive(Debug, thiserror::Error)]
pub enum AptError {
    /// Neither the host's apt configuration nor the user names a Debian archive.
    #[error("no Debian archive is configured: KAON_DEBIAN_MIRROR is not set, and the apt configuration in `{}` has none", folder.display())]
    NoArchive {
        /// The configuration's folder.
        folder: PathBuf,
    },
    /// `KAON_DEBIAN_MIRROR` is not an address.
    #[error("the setting KAON_DEBIAN_MIRROR cannot be used")]
    BadSetting {
        /// Why.
        source: InvalidMirror,
    },
    /// No mirror returned a signed index.
    #[error("no Debian archive returned an index of `{suite}`: {}", without_passwords(reasons))]
    Index {
        /// The suite.
        suite: String,
        /// Why, mirror by mirror.
        reasons: String,
    },
    /// There is no suite to read.
    #[error("no suite of the Debian archive can be read: {reasons}")]
    NoSuites {
        /// Why, suite by suite.
        reasons: String,
    },
    /// The project's keyring cannot be used.
    #[error("the keyring `{}` cannot be used: {reason}", path.display())]
    Keyring {
        /// The keyring.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// No set of packages satisfies the request.
    #[error("the SDK's packages cannot be installed from the Debian archive: {}", without_passwords(reason))]
    Unresolved {
        /// Why not.
        reason: String,
    },
    /// A package is not in the index.
    #[error("the Debian archive has no package `{name}`")]
    UnknownPackage {
        /// Its name.
        name: String,
    },
    /// A file of the private apt state, or of the host's configuration.
    #[error(transparent)]
    Io(FileError),
    /// A program of apt's.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl AptError {
    /// An I/O error at `path`.
    pub fn io(operation: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io(FileError::new(operation, path, source))
    }
}

impl Failure for AptError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Tool(error) => Some(error),
            Self::Store(error) => Some(error),
            Self::NoArchive { .. }
            | Self::BadSetting { .. }
            | Self::Index { .. }
            | Self::NoSuites { .. }
            | Self::Keyring { .. }
            | Self::Unresolved { .. }
            | Self::UnknownPackage { .. }
            | Self::Io(_)
            | Self::Interrupted => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoArchive { .. } | Self::BadSetting { .. } => {
                Some("set KAON_DEBIAN_MIRROR to the URL of a Debian mirror near you: the folder that contains `dists` and `pool`".into())
            }
            Self::Index { .. } => {
                Some("check the network, proxy variables, the clock and the mirror; KAON_DEBIAN_MIRROR=URL selects another one".into())
            }
            Self::NoSuites { .. } => Some(
                "KAON_DEBIAN_MIRROR=URL selects another mirror; mirrors of security updates are those of the `deb` lines of apt's configuration"
                    .into(),
            ),
            Self::Unresolved { .. } | Self::UnknownPackage { .. } => {
                Some("the SDK's packages are listed in `specs/sdk.toml`; `cargo xtask sdk update` resolves them again".into())
            }
            Self::Keyring { .. } => {
                Some("restore `specs/sdk-keyring.asc` from the project's history, or get a newer one from the project".into())
            }
            Self::Tool(_) | Self::Store(_) | Self::Io(_) | Self::Interrupted => self.inner()?.hint(),
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::NoArchive { .. } | Self::BadSetting { .. } => ExitCode::Host,
            Self::Interrupted => ExitCode::Interrupted,
            Self::Index { .. }
            | Self::NoSuites { .. }
            | Self::Keyring { .. }
            | Self::Unresolved { .. }
            | Self::UnknownPackage { .. }
            | Self::Io(_)
            | Self::Tool(_)
            | Self::Store(_) => self.inner().map_or(ExitCode::Failed, Failure::exit),
        }
    }
}
