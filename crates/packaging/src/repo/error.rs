//! Errors of repositories.

use std::io;
use std::path::{Path, PathBuf};

use base::diagnostic::Failure;
use runtime::directory::DirectoryError;
use signing::SignError;

/// Why a repository could not be written or served.
#[derive(Debug, thiserror::Error)]
pub enum RepoError {
    /// A file operation failed.
    #[error("cannot {operation} `{}`", path.display())]
    Io {
        /// What was being done: `read`, `write` …
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not an RPM package.
    #[error("`{}` is not an RPM package", path.display())]
    NotRpm {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<rpm::Error>,
    },
    /// Two packages have the same file name.
    #[error("`{file_name}` occurs twice")]
    Twice {
        /// The file's name in the repository.
        file_name: String,
    },
    /// Its directory could not be written.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The directory to serve is not a repository.
    #[error("there is no repository in `{}`", path.display())]
    NothingToServe {
        /// The directory.
        path: PathBuf,
    },
    /// The server cannot listen on an address.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The metadata could not be signed.
    #[error("cannot sign the repository")]
    Sign(#[from] SignError),
}

impl RepoError {
    /// An I/O error at `path`.
    pub(super) fn io(operation: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { operation, path: path.to_owned(), source }
    }
}

impl Failure for RepoError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Sign(error) => Some(error),
            Self::Directory(error) => Some(error),
            Self::Twice { .. } | Self::NothingToServe { .. } | Self::Listen { .. } | Self::Io { .. } | Self::NotRpm { .. } => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Sign(_) | Self::Directory(_) => self.inner()?.hint(),
            Self::Twice { .. } => Some("two specs build a package of that name and version; rename one".into()),
            Self::NothingToServe { .. } => Some("`cargo xtask repo` writes one".into()),
            Self::Listen { address, .. } => {
                Some(format!("another program may be using port {}: choose another with `--listen`", address.port()))
            }
            Self::Io { .. } | Self::NotRpm { .. } => None,
        }
    }
}
