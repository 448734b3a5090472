//! Why something cannot be fetched.

use std::io;
use std::path::PathBuf;

/// Why something cannot be fetched.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The server answers with an error.
    #[error("`{url}`: the server answered {status}")]
    Status {
        /// The address.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// The server cannot be reached, or the connection breaks.
    #[error("`{url}` cannot be fetched")]
    Transfer {
        /// The address.
        url: String,
        /// Why.
        source: Box<ureq::Error>,
    },
    /// Reading or writing fails on the way.
    #[error("`{url}` cannot be fetched into `{path}`")]
    Io {
        /// The address.
        url: String,
        /// The file it goes to.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It arrives too slowly to wait for.
    #[error("`{url}` is received at less than {least_bytes} bytes per second")]
    Slow {
        /// The address.
        url: String,
        /// What is expected at least.
        least_bytes: u64,
    },
    /// It is larger than it may be.
    #[error("`{url}` is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The address.
        url: String,
        /// What it may have.
        limit_bytes: u64,
    },
    /// It is not what was asked for.
    #[error("`{url}` does not match the repository's index: its SHA-256 differs")]
    Digest {
        /// The address.
        url: String,
    },
    /// A certificate or key cannot be used.
    #[error("`{path}` cannot be used for TLS: {reason}")]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The proxy's address makes no sense.
    #[error("the proxy `{proxy}` cannot be used")]
    Proxy {
        /// As configured.
        proxy: String,
        /// Why.
        source: Box<ureq::Error>,
    },
    /// There is nowhere to fetch it from.
    #[error("there is no address to fetch `{label}` from")]
    Nowhere {
        /// What was to be fetched.
        label: String,
    },
}

impl DownloadError {
    /// Whether it was asked for in the right place, and is not there.
    pub fn is_missing(&self) -> bool {
        match self {
            Self::Status { status, .. } => matches!(status, 404 | 410),
            Self::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
            Self::Transfer { .. }
            | Self::Slow { .. }
            | Self::TooLarge { .. }
            | Self::Digest { .. }
            | Self::Certificate { .. }
            | Self::Proxy { .. }
            | Self::Nowhere { .. } => false,
        }
    }

    /// Whether asking the same address again is of no use.
    pub(super) fn is_final(&self) -> bool {
        match self {
            Self::Status { status, .. } => (400..500).contains(status) && !matches!(status, 408 | 425 | 429),
            Self::TooLarge { .. } | Self::Certificate { .. } | Self::Proxy { .. } | Self::Nowhere { .. } => true,
            Self::Io { source, .. } => matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::StorageFull),
            Self::Transfer { .. } | Self::Slow { .. } | Self::Digest { .. } => false,
        }
    }
}
