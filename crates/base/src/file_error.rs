//! An operation on a file that failed.

use std::io;
use std::path::{Path, PathBuf};

use crate::diagnostic::Failure;

/// An operation on a file or directory that the system refused.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} `{}`", path.display())]
pub struct FileError {
    /// What was being done: `read`, `write`, `create the directory` …
    pub operation: &'static str,
    /// The file.
    pub path: PathBuf,
    /// Why it failed.
    pub source: io::Error,
}

impl FileError {
    /// The error of an operation on `path`.
    pub fn new(operation: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self { operation, path: path.into(), source }
    }

    /// For `map_err` after an operation on `path`.
    pub fn of(operation: &'static str, path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::new(operation, path, source)
    }
}

impl Failure for FileError {}
