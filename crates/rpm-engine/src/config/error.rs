//! Why a configuration is not accepted.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Where something stands in a configuration file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The line, counted from 1; 0 for the whole file, or what came from the command line.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}", self.file.display()),
            line => write!(f, "{}:{line}", self.file.display()),
        }
    }
}

/// Something in the configuration that is passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Where.
    pub place: Place,
    /// What, in lowercase.
    pub message: String,
}

impl Warning {
    /// A file whose repositories are not known because of an error.
    pub(super) fn unread(file: &Path, error: &ConfigError) -> Self {
        let cause = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
        Self { place: Place { file: file.to_owned(), line: 0 }, message: format!("its repositories are not used: {cause}") }
    }

    /// An error with a place, where it need not stop anything.
    pub(super) fn of(error: &ConfigError) -> Option<Self> {
        match error {
            ConfigError::Malformed { place, reason } => Some(Self { place: place.clone(), message: reason.clone() }),
            ConfigError::Value { place, key, reason } => Some(Self { place: place.clone(), message: format!("`{key}`: {reason}") }),
            ConfigError::Io { .. }
            | ConfigError::NoDirectory { .. }
            | ConfigError::NoSuchRepository { .. }
            | ConfigError::NotAnAssignment { .. } => None,
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// Why a configuration is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("cannot read `{path}`")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line is not a line of a configuration.
    #[error("{place}: {reason}")]
    Malformed {
        /// Where.
        place: Place,
        /// What is wrong.
        reason: String,
    },
    /// A key's value makes no sense.
    #[error("{place}: `{key}`: {reason}")]
    Value {
        /// Where.
        place: Place,
        /// The key.
        key: String,
        /// What is wrong.
        reason: String,
    },
    /// The directory of repositories that is configured is not there.
    #[error("the directory of repositories `{path}` (`repodir`) does not exist")]
    NoDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// An option of the command line names no repository.
    #[error("there is no repository `{id}`")]
    NoSuchRepository {
        /// The name or pattern.
        id: String,
    },
    /// `--setopt` without `=`.
    #[error("`{text}` must be written as `key=value`")]
    NotAnAssignment {
        /// What was given.
        text: String,
    },
}
