//! Why there is no container image.

use std::io;
use std::path::{Path, PathBuf};

use base::diagnostic::Failure;

/// Why there is no container image.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} `{}`", path.display())]
pub struct OciError {
    operation: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl Failure for OciError {}

impl OciError {
    /// What to call when `path` cannot be read.
    pub(super) fn read(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        move |source| Self { operation: "read", path: path.to_owned(), source }
    }

    /// What to call when `path` cannot be written.
    pub(super) fn write(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        move |source| Self { operation: "write", path: path.to_owned(), source }
    }
}
