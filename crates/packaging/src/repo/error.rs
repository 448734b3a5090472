//! Errors of repositories.

use std::io;
use std::path::{Path, PathBuf};

use base::diagnostic::Failure;
use base::file_error::FileError;
use runtime::directory::DirectoryError;
use signing::SignError;

/// Why a repository could not be written or served.
#[derive(Debug, thiserror::Error)]
pub enum RepoError {
    /// The file system said no.
    #[error(transparent)]
    Io(FileError),
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
    /// The metadata could not be signed.
    #[error("cannot sign the repository")]
    Sign(#[from] SignError),
}

impl RepoError {
    /// An I/O error at `path`.
    pub(super) fn io(operation: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io(FileError::new(operation, path, source))
    }
}

impl Failure for RepoError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Sign(error) => Some(error),
            Self::Directory(error) => Some(error),
            Self::Twice { .. } | Self::NothingToServe { .. } | Self::Io(_) | Self::NotRpm { .. } => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Sign(_) | Self::Directory(_) => self.inner()?.hint(),
            Self::Twice { .. } => Some("two specs build a package of that name and version; rename one".into()),
            Self::NothingToServe { .. } => Some("`cargo xtask repo` writes one".into()),
            Self::Io(_) | Self::NotRpm { .. } => None,
        }
    }
}
