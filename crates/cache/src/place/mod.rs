//! Where caches are written: a folder of this machine, or a server that takes files by PUT.

mod folder;
mod server;

use std::io;
use std::path::{Path, PathBuf};

use base::diagnostic::{ExitCode, Failure};
use base::file_error::FileError;

pub use folder::Folder;
pub use server::{Server, TOKEN_VARIABLE, authorizations};

/// A place for the files of a cache. Names are paths below its top: `ac/KEY`, `cas/SHA256`.
pub trait Place: Sync {
    /// Reads a small file; nothing if it is not there.
    ///
    /// # Errors
    /// When the place does not answer, or refuses.
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, PlaceError>;

    /// Whether there is a file of this name.
    ///
    /// # Errors
    /// As those of [`read`](Self::read).
    fn has(&self, name: &str) -> Result<bool, PlaceError>;

    /// Writes a file, completely or not at all.
    ///
    /// # Errors
    /// As those of [`read`](Self::read), or when `content` cannot be read.
    fn write(&self, name: &str, content: Content<'_>) -> Result<(), PlaceError>;

    /// The place of a file, for people.
    fn shown(&self, name: &str) -> String;
}

/// What is written.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// These bytes.
    Bytes(&'a [u8]),
    /// A file.
    File(&'a Path),
}

/// Why a place cannot be written to.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// A file or directory cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The address of the server cannot be used.
    #[error("`{address}` cannot be written to: {reason}")]
    Address {
        /// The address, without its password.
        address: String,
        /// Why.
        reason: String,
    },
    /// The server cannot be reached, or ended the connection.
    #[error("cannot write `{address}`: {reason}")]
    Unreachable {
        /// The address of the file.
        address: String,
        /// What went wrong.
        reason: String,
    },
    /// The server wants a user and a password, or they are wrong.
    #[error("the server refused to write `{address}`: it answered {status}")]
    Locked {
        /// The address of the file.
        address: String,
        /// The status code.
        status: u16,
    },
    /// The server answered with an error.
    #[error("the server did not take `{address}`: it answered {status}")]
    Refused {
        /// The address of the file.
        address: String,
        /// The status code.
        status: u16,
    },
}

impl PlaceError {
    fn file(operation: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::File(FileError::new(operation, path, source))
    }
}

impl Failure for PlaceError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::File(_) => {
                Some("check who owns the directory and that its file system has room; files that are there are complete".into())
            }
            Self::Address { .. } => Some("give an http or https address, or the name of a cache in cache.toml".into()),
            Self::Unreachable { .. } => {
                Some("check the network and proxy variables, and run the same command again: it sends only what is missing".into())
            }
            Self::Locked { .. } => Some(format!("put user and password into the address, or a token into the variable {TOKEN_VARIABLE}")),
            Self::Refused { status: 405, .. } => {
                Some("the server does not allow PUT: see \"Servers\" in docs/src/cache.md, or use `cargo xtask cache export`".into())
            }
            Self::Refused { status: 413, .. } => {
                Some("the server limits the size of files: raise it (nginx: `client_max_body_size 0;`)".into())
            }
            Self::Refused { status: 507, .. } => Some("the server's disk is full: `cargo xtask cache prune` makes room there".into()),
            Self::Refused { .. } => Some("look into the server's log; run the same command again: it sends only what is missing".into()),
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::Address { .. } => ExitCode::Usage,
            Self::File(_) | Self::Unreachable { .. } | Self::Locked { .. } | Self::Refused { .. } => ExitCode::Failed,
        }
    }
}
