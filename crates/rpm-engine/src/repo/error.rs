//! Why a repository is not accepted.

use std::io;
use std::path::PathBuf;

use crate::dependency::InvalidRich;
use crate::keyring::KeyError;

/// Why a repository is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum RepoError {
    /// A file cannot be read.
    #[error("cannot read `{path}`")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is larger than it may be.
    #[error("`{path}` is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What it may have.
        limit_bytes: u64,
    },
    /// The signature of the index is missing or wrong.
    #[error("its index is not trusted")]
    Untrusted {
        /// The repository.
        folder: PathBuf,
        /// Why.
        source: KeyError,
    },
    /// A file is not the one the index means.
    #[error("`{path}` does not match the repository's index: its checksum differs")]
    Digest {
        /// The file.
        path: PathBuf,
    },
    /// A document cannot be understood.
    #[error("`{document}` is malformed: {reason}")]
    Malformed {
        /// The document.
        document: String,
        /// Why.
        reason: String,
    },
    /// A document is not the XML that it should be.
    #[error("`{document}` is malformed in line {line}{}: {reason}", of_package(.package.as_deref()))]
    Xml {
        /// The document.
        document: String,
        /// The line, counted from 1.
        line: usize,
        /// The package whose description that is, where it is known.
        package: Option<String>,
        /// Why.
        reason: String,
    },
    /// The index lacks a document.
    #[error("the repository's index does not list `{kind}`")]
    Lacks {
        /// The kind of document: `primary`, `filelists`.
        kind: &'static str,
    },
    /// Nobody can tell a document from another one.
    #[error("the repository's index has no checksum of `{kind}` that counts: it must be SHA-256, SHA-384 or SHA-512")]
    Weak {
        /// The kind of document.
        kind: &'static str,
    },
    /// A dependency of a package is malformed.
    #[error("the metadata of {package} is malformed")]
    Dependency {
        /// The package.
        package: String,
        /// Why.
        source: InvalidRich,
    },
    /// The index kept of the metadata is damaged.
    #[error("the index `{path}` is damaged")]
    Index {
        /// The file.
        path: PathBuf,
    },
}

fn of_package(name: Option<&str>) -> String {
    name.map(|name| format!(", in the description of the package `{name}`")).unwrap_or_default()
}

impl RepoError {
    /// With the name of the package that was being read, if one was.
    pub(super) fn at_package(self, name: &str) -> Self {
        match self {
            Self::Xml { document, line, package: None, reason } if !name.is_empty() => {
                Self::Xml { document, line, package: Some(name.to_owned()), reason }
            }
            other => other,
        }
    }
}
