//! Why a container image could not be written.

use std::io;
use std::path::{Path, PathBuf};

use base::diagnostic::Failure;

/// Why a container image could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} `{}`", path.display())]
pub struct OciError {
    operation: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl Failure for OciError {}

impl OciError {
    /// Makes the error for `path` that cannot be read.
    pub(super) fn read(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        move |source| Self { operation: "read", path: path.to_owned(), source }
    }

    /// Makes the error for `path` that cannot be written.
    pub(super) fn write(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        move |source| Self { operation: "write", path: path.to_owned(), source }
    }
}
