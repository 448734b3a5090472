//! Where caches are written: a folder of this machine, a server that takes files by PUT, or one that speaks gRPC.

mod folder;
mod grpc;
mod server;

use std::io;
use std::path::{Path, PathBuf};

use base::diagnostic::{ExitCode, Failure};
use base::digest::Digest;
use base::file_error::FileError;
use runtime::remote::{InvalidToken, RemoteError, TOKEN_VARIABLE};

pub use folder::Folder;
pub(crate) use folder::UNFINISHED;
pub use grpc::Grpc;
pub use server::{Server, authorizations};

/// A place for the files of a cache. Names are paths below its top: `ac/KEY`, `cas/SHA256`.
pub trait Place: Sync {
    /// Reads a small file; nothing if it is not there.
    ///
    /// # Errors
    /// When the place does not answer, or refuses.
    fn read(&self, name: &str) -> Result<Option<Version>, PlaceError>;

    /// Whether there is an object, of this size.
    ///
    /// # Errors
    /// As those of [`read`](Self::read).
    fn has(&self, object: &Digest, size_bytes: u64) -> Result<bool, PlaceError>;

    /// Writes a file, completely or not at all.
    ///
    /// # Errors
    /// As those of [`read`](Self::read), or when `content` cannot be read.
    fn write(&self, name: &str, content: Content<'_>) -> Result<(), PlaceError>;

    /// Writes a small file if it is still what was read, `seen`, or still absent. A place that cannot tell writes in any case.
    ///
    /// # Errors
    /// As those of [`write`](Self::write).
    fn replace(&self, name: &str, bytes: &[u8], _seen: Option<&Version>) -> Result<Replaced, PlaceError> {
        self.write(name, Content::Bytes(bytes)).map(|()| Replaced::Done)
    }

    /// Lets those find an object who know only its digest, which needs something only where objects are found by digest and size.
    ///
    /// # Errors
    /// As those of [`write`](Self::write).
    fn announce(&self, _object: &Digest, _size_bytes: u64) -> Result<(), PlaceError> {
        Ok(())
    }

    /// The place of a file, for people.
    fn shown(&self, name: &str) -> String;
}

/// The name of an object.
pub fn by_digest(object: &Digest) -> String {
    format!("cas/{object}")
}

/// A small file as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its content.
    pub bytes: Vec<u8>,
    /// The server's name for this content (RFC 9110, 8.8.3), if it gives one that stands for each byte.
    pub tag: Option<String>,
}

impl Version {
    /// Whether it is a page for people: of a proxy, or of a network that wants a login.
    pub fn is_page(&self) -> bool {
        is_page(&self.bytes)
    }
}

/// Whether bytes are a web page. No file of a cache begins like one.
pub fn is_page(bytes: &[u8]) -> bool {
    bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes).trim_ascii_start().starts_with(b"<")
}

/// The content encoding (RFC 9110, 8.4.1) in which bytes are, by how they begin. No entry and no package of a cache begins like this.
pub fn encoding(bytes: &[u8]) -> Option<&'static str> {
    const BEGINNINGS: [(&str, &[u8]); 2] = [("gzip", b"\x1f\x8b\x08"), ("zstd", b"\x28\xb5\x2f\xfd")];
    BEGINNINGS.into_iter().find(|(_, begin)| bytes.starts_with(begin)).map(|(name, _)| name)
}

/// What became of a file that was to be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// It was written.
    Done,
    /// It was not written: it is not what was read any more.
    Changed,
}

/// What is written.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// These bytes.
    Bytes(&'a [u8]),
    /// A file.
    File(&'a Path),
}

/// What a request presented to be let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented {
    /// Nothing.
    Nothing,
    /// A user and a password, or a token.
    Credentials,
}

impl From<bool> for Presented {
    fn from(has_credentials: bool) -> Self {
        if has_credentials { Self::Credentials } else { Self::Nothing }
    }
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
    /// The token cannot be sent.
    #[error(transparent)]
    Token(#[from] InvalidToken),
    /// The server cannot be reached, or ended the connection.
    #[error("cannot write `{address}`: {reason}")]
    Unreachable {
        /// The address of the file.
        address: String,
        /// What went wrong.
        reason: String,
        /// What to do about it, where that is known.
        advice: Option<String>,
    },
    /// The server compresses what it sends.
    #[error("the server sends `{address}` compressed (`Content-Encoding: {encoding}`), which it was not asked for")]
    Compressed {
        /// The address of the file.
        address: String,
        /// The content encoding.
        encoding: String,
    },
    /// The server wants a user and a password, or they are wrong.
    #[error("the server refused to write `{address}`: it answered {answer}")]
    Locked {
        /// The address of the file.
        address: String,
        /// The status code, or gRPC's with the server's words.
        answer: String,
        /// What the request had.
        presented: Presented,
    },
    /// A gRPC server failed to do it.
    #[error("the server did not take `{address}`: {reason}")]
    Failed {
        /// The address of the file.
        address: String,
        /// gRPC's status code and the server's words.
        reason: String,
    },
    /// The program that speaks gRPC cannot be used.
    #[error(transparent)]
    Program(#[from] RemoteError),
    /// The server sends writers elsewhere.
    #[error("the server did not take `{address}`: it answered {status}, which leads to `{target}`")]
    Redirected {
        /// The address of the file.
        address: String,
        /// The status code.
        status: u16,
        /// Where it leads, without a password.
        target: String,
    },
    /// Something between answers with a page for people.
    #[error("`{address}` was not stored: a web page answers in place of the server")]
    Page {
        /// The address of the file.
        address: String,
    },
    /// The server said that it took a file, but does not have it.
    #[error("`{address}` was not stored, although the server said so")]
    NotStored {
        /// The address of the file.
        address: String,
    },
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
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
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Program(error) => Some(error),
            Self::Token(error) => Some(error),
            Self::File(_)
            | Self::Address { .. }
            | Self::Unreachable { .. }
            | Self::Compressed { .. }
            | Self::Locked { .. }
            | Self::Failed { .. }
            | Self::Redirected { .. }
            | Self::Page { .. }
            | Self::NotStored { .. }
            | Self::Interrupted
            | Self::Refused { .. } => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::File(_) => {
                Some("check who owns the directory and that its file system has room; files that are there are complete".into())
            }
            Self::Program(error) => error.hint(),
            Self::Token(error) => error.hint(),
            Self::Failed { reason, .. } if reason.starts_with("UNIMPLEMENTED") => {
                Some("check the port and the instance: this server, or this part of it, is not a cache that takes files".into())
            }
            Self::Address { .. } => Some("give an http, https or grpc address, or the name of a cache in cache.toml".into()),
            Self::Unreachable { advice: Some(advice), .. } => Some(advice.clone()),
            Self::Compressed { .. } => Some(
                "turn that off in the server, or in the proxy before it, for all below the address of the cache (nginx: `gzip off;`)".into(),
            ),
            Self::Unreachable { .. } => {
                Some("check the network and proxy variables, and run the same command again: it sends only what is missing".into())
            }
            Self::Redirected { target, .. } => {
                Some(format!("if `{target}` is the cache, write its address; a login page means that the network or the server wants a login first"))
            }
            Self::Page { .. } => {
                Some("open the address in a browser: a network, a proxy or a login page answers before the cache does".into())
            }
            Self::NotStored { .. } => Some(
                "check that the address is one that takes files, and that no proxy between answers with what it kept; run the same command again".into(),
            ),
            Self::Interrupted => None,
            Self::Locked { presented: Presented::Credentials, .. } => Some(format!(
                "the password of the address, or the token in {TOKEN_VARIABLE}, was sent and refused: ask whoever runs the server which is right"
            )),
            Self::Locked { presented: Presented::Nothing, .. } => Some(format!("put user and password into the address, or a token into the variable {TOKEN_VARIABLE}")),
            Self::Refused { status: 405 | 501, .. } => {
                Some("the server does not allow PUT there: check the path; see \"Servers\" in docs/src/cache.md, or use `cargo xtask cache export`".into())
            }
            Self::Refused { status: 413, .. } => {
                Some("the server limits the size of files: raise it (nginx: `client_max_body_size 0;`)".into())
            }
            Self::Refused { status: 511, .. } => Some("the network wants a login first: open any page in a browser".into()),
            Self::Refused { status: 507, .. } => Some("the server's disk is full: `cargo xtask cache prune` makes room there".into()),
            Self::Refused { .. } | Self::Failed { .. } => {
                Some("look into the server's log; run the same command again: it sends only what is missing".into())
            }
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::Address { .. } => ExitCode::Usage,
            Self::Program(error) => error.exit(),
            Self::Token(error) => error.exit(),
            Self::Interrupted => ExitCode::Interrupted,
            Self::File(_)
            | Self::Unreachable { .. }
            | Self::Compressed { .. }
            | Self::Locked { .. }
            | Self::Failed { .. }
            | Self::Redirected { .. }
            | Self::Page { .. }
            | Self::NotStored { .. }
            | Self::Refused { .. } => ExitCode::Failed,
        }
    }
}
