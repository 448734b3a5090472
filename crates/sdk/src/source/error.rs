//! What can go wrong with a source.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::apt::{AptError, InvalidMirror};
use base::address::without_passwords;
use base::diagnostic::{ExitCode, Failure};
use base::digest::Digest;
use runtime::store::StoreError;

/// Why a source is not at hand.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// No place gave it.
    #[error("no origin gives the source `{file}`:{}", listed(attempts))]
    Unavailable {
        /// The file's name.
        file: String,
        /// All places tried, in order.
        attempts: Vec<Attempt>,
    },
    /// A place gave other bytes, and no other place the right ones.
    #[error("`{uri}` gave other bytes than the spec says: expected SHA-256 {expected}, found {found}{}", others(attempts))]
    WrongBytes {
        /// The address.
        uri: String,
        /// The digest in the spec.
        expected: Digest,
        /// The digest of what came.
        found: Digest,
        /// All places tried, in order.
        attempts: Vec<Attempt>,
    },
    /// `--source-mirror` is no address.
    #[error("a --source-mirror cannot be used")]
    BadMirror {
        /// Why.
        source: InvalidMirror,
    },
    /// A fetched file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// apt, which does the fetching.
    #[error(transparent)]
    Apt(#[from] AptError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A place that did not give the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The address.
    pub uri: String,
    /// Why it gave nothing.
    pub reason: Reason,
}

/// Why a place gave nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It has no such file.
    NotFound,
    /// It gave other bytes.
    WrongBytes {
        /// The digest in the spec.
        expected: Digest,
        /// The digest of what came.
        found: Digest,
    },
    /// Its host did not answer before, so it was not tried.
    Skipped,
    /// Anything else, in apt's words.
    Other(String),
}

impl Attempt {
    /// An attempt at an address, whose password and those in the words of others are not kept.
    pub fn new(uri: &str, reason: Reason) -> Self {
        let reason = match reason {
            Reason::Other(text) => Reason::Other(without_passwords(&text).into_owned()),
            Reason::NotFound | Reason::WrongBytes { .. } | Reason::Skipped => reason,
        };
        Self { uri: without_passwords(uri).into_owned(), reason }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("no such file"),
            Self::WrongBytes { expected, found } => write!(f, "other bytes: expected SHA-256 {expected}, found {found}"),
            Self::Skipped => f.write_str("not tried: its host did not answer before"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl SourceError {
    /// The error for a source that no place gave.
    pub fn not_given(file: &str, attempts: Vec<Attempt>) -> Self {
        let wrong = attempts.iter().find_map(|attempt| match attempt.reason {
            Reason::WrongBytes { expected, found } => Some((attempt.uri.clone(), expected, found)),
            _ => None,
        });
        match wrong {
            Some((uri, expected, found)) => Self::WrongBytes { uri, expected, found, attempts },
            None => Self::Unavailable { file: file.to_owned(), attempts },
        }
    }
}

fn listed(attempts: &[Attempt]) -> String {
    attempts.iter().map(|attempt| format!("\n    {}: {}", attempt.uri, attempt.reason)).collect()
}

fn others(attempts: &[Attempt]) -> String {
    if attempts.len() < 2 { String::new() } else { format!("; all that was tried:{}", listed(attempts)) }
}

impl Failure for SourceError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Unavailable { .. } => Some("check the network, or name a folder or server that has the file: --source-mirror URL".into()),
            Self::WrongBytes { .. } => Some(
                "somebody replaced the file: find out who and why; only then write the new digest into the spec, or name another origin"
                    .into(),
            ),
            Self::BadMirror { .. } => Some("write --source-mirror https://host/folder or --source-mirror /folder".into()),
            Self::Apt(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Io { .. } => None,
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::Apt(error) => error.exit(),
            Self::Store(error) => error.exit(),
            Self::BadMirror { .. } => ExitCode::Usage,
            _ => ExitCode::Failed,
        }
    }
}
