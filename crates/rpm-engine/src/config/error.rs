//! Why a configuration is not accepted.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Where something stands in a configuration file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The line, counted from 1; 0 for what came from the command line.
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
    /// Two sections describe the same repository.
    #[error("{place}: the repository `{id}` is already defined at {first}")]
    Twice {
        /// Where the second stands.
        place: Place,
        /// The repository.
        id: String,
        /// Where the first stands.
        first: Place,
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
