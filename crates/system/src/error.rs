//! Why a system cannot be changed as it should be.

use std::io;
use std::path::{Path, PathBuf};

use super::account::AccountsError;
use super::program::ProgramError;

/// Why a system cannot be changed as it should be.
#[derive(Debug, thiserror::Error)]
pub enum SystemError {
    /// A file or device cannot be used.
    #[error("cannot {operation} `{path}`")]
    Io {
        /// What was to be done: `read`, `write`.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The target is not empty.
    #[error("`{path}` is not empty")]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },
    /// A path of the system leads in circles.
    #[error("`{path}` of the installed system has too many levels of symbolic links")]
    Links {
        /// The path.
        path: String,
    },
    /// A program failed.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// Accounts cannot be made.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// Something that was asked for is not done.
    #[error("{reason}")]
    Refused {
        /// Why.
        reason: String,
    },
}

impl SystemError {
    /// Turns an error of the operating system at `path` into this one.
    pub fn io<'a>(operation: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self::Io { operation, path: path.to_owned(), source }
    }

    /// A refusal for this reason.
    pub fn refused(reason: &str) -> Self {
        Self::Refused { reason: reason.to_owned() }
    }
}
