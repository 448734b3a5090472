//! Errors of sources.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::apt::{AptError, InvalidMirror};
use base::address::without_passwords;
use base::diagnostic::{ExitCode, Failure};
use base::digest::Digest;
use runtime::store::StoreError;

/// Why a source is not available.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// No origin or mirror has it.
    #[error("no origin has the source `{file}`:{}", listed(attempts))]
    Unavailable {
        /// The file's name.
        file: String,
        /// All addresses tried, in order.
        attempts: Vec<Attempt>,
    },
    /// The spec has a placeholder instead of a digest.
    #[error("the `sha256` of `{file}` is a placeholder; `{uri}` returned the file with SHA-256 {found}{}", others(uri, attempts))]
    Placeholder {
        /// The file's name.
        file: String,
        /// The address.
        uri: String,
        /// The digest of what was received.
        found: Digest,
        /// All addresses tried, in order.
        attempts: Vec<Attempt>,
    },
    /// An address returned other bytes, and no other address the right ones.
    #[error("`{uri}` returned other content than the spec expects: expected SHA-256 {expected}, found {found}{}", others(uri, attempts))]
    WrongBytes {
        /// The address.
        uri: String,
        /// The digest in the spec.
        expected: Digest,
        /// The digest of what was received.
        found: Digest,
        /// All addresses tried, in order.
        attempts: Vec<Attempt>,
    },
    /// `--source-mirror` is not an address.
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
    /// apt failed.
    #[error(transparent)]
    Apt(#[from] AptError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An address that did not return the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The address.
    pub uri: String,
    /// Why it failed.
    pub reason: Reason,
}

/// Why an address did not return the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It has no such file.
    NotFound,
    /// It returned an empty file.
    Empty,
    /// It returned a web page.
    Page,
    /// It returned other bytes.
    WrongBytes {
        /// The digest in the spec.
        expected: Digest,
        /// The digest of what was received.
        found: Digest,
    },
    /// It was not tried because its host had not answered before.
    Skipped,
    /// Anything else, as apt's message.
    Other(String),
}

impl Attempt {
    /// An attempt at an address, without the passwords in the address and the message.
    pub fn new(uri: &str, reason: Reason) -> Self {
        let reason = match reason {
            Reason::Other(text) => Reason::Other(without_passwords(&text).into_owned()),
            Reason::NotFound | Reason::Empty | Reason::Page | Reason::WrongBytes { .. } | Reason::Skipped => reason,
        };
        Self { uri: without_passwords(uri).into_owned(), reason }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("no such file"),
            Self::Empty => f.write_str("it returned nothing (0 bytes)"),
            Self::Page => f.write_str("it returned a web page, not the file"),
            Self::WrongBytes { expected, found } => write!(f, "other content: expected SHA-256 {expected}, found {found}"),
            Self::Skipped => f.write_str("not tried: its host did not answer earlier"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl SourceError {
    /// The error for a source that no address returned.
    pub fn not_given(file: &str, attempts: Vec<Attempt>) -> Self {
        let wrong = attempts.iter().find_map(|attempt| match attempt.reason {
            Reason::WrongBytes { expected, found } => Some((attempt.uri.clone(), expected, found)),
            _ => None,
        });
        match wrong {
            Some((uri, expected, found)) if expected.is_placeholder() => Self::Placeholder { file: file.to_owned(), uri, found, attempts },
            Some((uri, expected, found)) => Self::WrongBytes { uri, expected, found, attempts },
            None => Self::Unavailable { file: file.to_owned(), attempts },
        }
    }
}

fn listed(attempts: &[Attempt]) -> String {
    attempts.iter().map(|attempt| format!("\n    {}: {}", attempt.uri, attempt.reason)).collect()
}

/// The outcomes of the addresses other than `told`.
fn others(told: &str, attempts: &[Attempt]) -> String {
    let others: Vec<Attempt> = attempts.iter().filter(|attempt| attempt.uri != told).cloned().collect();
    if others.is_empty() { String::new() } else { format!("; also tried:{}", listed(&others)) }
}

impl Failure for SourceError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Apt(error) => Some(error),
            Self::Store(error) => Some(error),
            Self::Unavailable { .. } | Self::Placeholder { .. } | Self::WrongBytes { .. } | Self::BadMirror { .. } | Self::Io { .. } => {
                None
            }
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Unavailable { attempts, .. } if attempts.iter().any(|attempt| attempt.reason == Reason::Page) => Some(
                "open the address in a browser: it must be that of the file itself, not of a page about it or of one that asks to log in"
                    .into(),
            ),
            Self::Unavailable { attempts, .. } if attempts.iter().all(|attempt| attempt.reason == Reason::NotFound) => Some(
                "the servers answered, so check the version and the address: upstream may have moved or renamed the file; or specify a folder or \
                 server that has it: --source-mirror URL"
                    .into(),
            ),
            Self::Unavailable { .. } => Some(
                "check the network, proxy variables and the clock, or specify a folder or server that has the file: --source-mirror URL"
                    .into(),
            ),
            Self::Placeholder { found, .. } => {
                Some(format!("make sure that this is the file you want, then write into the spec: sha256 = \"{found}\""))
            }
            Self::WrongBytes { found, .. } => Some(format!(
                "if you changed the version in the spec, it needs the new digest: sha256 = \"{found}\"; if not, somebody replaced the file: find \
                 out who and why before you trust it, or name another origin"
            )),
            Self::BadMirror { .. } => {
                Some("name a server (--source-mirror https://host/folder) or a folder that exists (--source-mirror FOLDER)".into())
            }
            Self::Apt(_) | Self::Store(_) | Self::Io { .. } => self.inner()?.hint(),
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::BadMirror { .. } => ExitCode::Usage,
            Self::Unavailable { .. }
            | Self::Placeholder { .. }
            | Self::WrongBytes { .. }
            | Self::Io { .. }
            | Self::Apt(_)
            | Self::Store(_) => self.inner().map_or(ExitCode::Failed, Failure::exit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(uri: &str, expected: Digest) -> Attempt {
        Attempt::new(uri, Reason::WrongBytes { expected, found: Digest::of_bytes("other") })
    }

    #[test]
    fn a_placeholder_is_answered_with_the_line_to_write() {
        let zeros: Digest = "0".repeat(64).parse().unwrap();
        let error = SourceError::not_given("x-1.tar", vec![wrong("https://a.test/x-1.tar", zeros)]);
        let found = Digest::of_bytes("other");
        let message =
            format!("the `sha256` of `x-1.tar` is a placeholder; `https://a.test/x-1.tar` returned the file with SHA-256 {found}");
        assert_eq!(error.to_string(), message);
        assert!(error.hint().unwrap().ends_with(&format!("write into the spec: sha256 = \"{found}\"")));
    }

    #[test]
    fn the_digest_of_a_page_is_never_suggested() {
        let error = SourceError::not_given("x-1.tar", vec![Attempt::new("https://a.test/x-1.tar", Reason::Page)]);
        assert_eq!(
            error.to_string(),
            "no origin has the source `x-1.tar`:\n    https://a.test/x-1.tar: it returned a web page, not the file"
        );
        assert!(error.hint().unwrap().starts_with("open the address in a browser"));
    }

    #[test]
    fn servers_that_answer_are_not_called_unreachable() {
        let attempt = |reason| Attempt::new("https://a.test/x-2.tar", reason);
        let hint = |attempts| SourceError::not_given("x-2.tar", attempts).hint().unwrap();
        let version = "the servers answered, so check the version and the address";
        assert!(hint(vec![attempt(Reason::NotFound), attempt(Reason::NotFound)]).starts_with(version));
        assert!(hint(vec![attempt(Reason::NotFound), attempt(Reason::Skipped)]).starts_with("check the network"));
    }

    #[test]
    fn other_bytes_are_named_once_and_other_places_after_them() {
        let good = Digest::of_bytes("good");
        let attempts = vec![Attempt::new("http://e.test/x", Reason::Empty), wrong("http://a.test/x", good), wrong("http://b.test/x", good)];
        let text = SourceError::not_given("x", attempts).to_string();
        let found = Digest::of_bytes("other");
        let expected = format!(
            "`http://a.test/x` returned other content than the spec expects: expected SHA-256 {good}, found {found}; also tried:\n    \
             http://e.test/x: it returned nothing (0 bytes)\n    http://b.test/x: other content: expected SHA-256 {good}, found {found}"
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn a_server_that_sends_nothing_replaced_no_file() {
        let error = SourceError::not_given("x", vec![Attempt::new("http://e.test/x", Reason::Empty)]);
        assert_eq!(error.to_string(), "no origin has the source `x`:\n    http://e.test/x: it returned nothing (0 bytes)");
        assert!(!error.hint().unwrap().contains("replaced"));
    }
}
