//! Why something cannot be fetched.

use std::io;
use std::path::PathBuf;

use rustls::CertificateError;

use super::Client;

/// Why something cannot be fetched.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The server answers with an error.
    #[error("`{url}`: the server answered {status}{}", through(.proxy.as_deref()))]
    Status {
        /// The address.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The proxy in between.
        proxy: Option<String>,
    },
    /// The proxy does not let through.
    #[error("`{url}`: the proxy `{proxy}` answered {status}")]
    Refused {
        /// The address.
        url: String,
        /// The proxy.
        proxy: String,
        /// The HTTP status.
        status: u16,
    },
    /// The server says nothing at all.
    #[error("`{url}`: the server did not answer within {seconds} s{}", through(.proxy.as_deref()))]
    Silent {
        /// The address.
        url: String,
        /// How long was waited, in seconds.
        seconds: u64,
        /// The proxy in between.
        proxy: Option<String>,
    },
    /// The server cannot be reached, or the connection breaks.
    #[error("`{url}` cannot be fetched")]
    Transfer {
        /// The address.
        url: String,
        /// Why.
        source: Box<ureq::Error>,
    },
    /// It is on this machine and cannot be read.
    #[error("`{url}` cannot be read")]
    Local {
        /// The address.
        url: String,
        /// Why.
        source: io::Error,
    },
    /// The connection breaks while it arrives.
    #[error("`{url}` cannot be received to the end")]
    Broken {
        /// The address.
        url: String,
        /// Why.
        source: io::Error,
    },
    /// What arrived cannot be written or read again.
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
    #[error("`{url}` does not match the repository's index: its checksum differs")]
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
    #[error("the proxy `{proxy}` cannot be used: {reason}")]
    Proxy {
        /// As configured, without credentials.
        proxy: String,
        /// Why.
        reason: String,
    },
    /// There is nowhere to fetch it from.
    #[error("there is no address to fetch `{label}` from")]
    Nowhere {
        /// What was to be fetched.
        label: String,
    },
}

/// Where an answer came from, if not from the server itself.
fn through(proxy: Option<&str>) -> String {
    proxy.map(|proxy| format!(" (through the proxy `{proxy}`)")).unwrap_or_default()
}

impl DownloadError {
    /// Whether it was asked for in the right place, and is not there.
    pub fn is_missing(&self) -> bool {
        match self {
            Self::Status { status, .. } => matches!(status, 404 | 410),
            Self::Local { source, .. } => source.kind() == io::ErrorKind::NotFound,
            Self::Transfer { .. }
            | Self::Broken { .. }
            | Self::Io { .. }
            | Self::Refused { .. }
            | Self::Silent { .. }
            | Self::Slow { .. }
            | Self::TooLarge { .. }
            | Self::Digest { .. }
            | Self::Certificate { .. }
            | Self::Proxy { .. }
            | Self::Nowhere { .. } => false,
        }
    }

    /// As often the same address is tried again.
    pub(super) fn retries(&self, client: &Client) -> u32 {
        match self {
            Self::Status { status, .. } | Self::Refused { status, .. }
                if (400..500).contains(status) && !matches!(status, 408 | 425 | 429) =>
            {
                0
            }
            Self::Local { .. }
            | Self::TooLarge { .. }
            | Self::Certificate { .. }
            | Self::Proxy { .. }
            | Self::Nowhere { .. }
            | Self::Silent { .. } => 0,
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => 0,
            // What the other side is does not change within seconds.
            Self::Transfer { source, .. } if matches!(**source, ureq::Error::Rustls(_) | ureq::Error::BadUri(_)) => 0,
            Self::Transfer { .. } => client.calls,
            Self::Broken { .. }
            | Self::Io { .. }
            | Self::Status { .. }
            | Self::Refused { .. }
            | Self::Slow { .. }
            | Self::Digest { .. } => client.retries,
        }
    }

    /// What to do next, where that is known.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Status { status: 401, .. } => "set `username` and `password` of the repository",
            Self::Status { status: 403, .. } => {
                "ask the server's operator for access; `sslclientcert`, `username` and `password` show who asks"
            }
            Self::Refused { status: 407, .. } => "set `proxy_username` and `proxy_password`",
            Self::Refused { .. } => "ask the proxy's operator, or name the server in the variable `no_proxy`",
            Self::Silent { .. } => "check the network and the firewall; `timeout` says how long is waited",
            Self::Transfer { source, .. } => match &**source {
                ureq::Error::Rustls(rustls::Error::InvalidCertificate(wrong)) => of_certificate(wrong),
                ureq::Error::Rustls(_) => "the server's TLS does not fit: it must be 1.2 or 1.3",
                ureq::Error::RequireHttpsOnly(_) => "the server leads away from https://; ask its operator for its address today",
                _ => "check the network and `baseurl`",
            },
            Self::Certificate { .. } => "check `sslcacert`, `sslclientcert` and `sslclientkey`",
            Self::Proxy { .. } => "write it as `http://host:port`; `proxy=_none_` uses none, whatever the environment says",
            Self::Slow { .. } => "`minrate` says what is expected at least",
            Self::Local { .. } => "check `baseurl`",
            Self::Broken { .. } => "check the network",
            Self::Status { .. } | Self::Io { .. } | Self::TooLarge { .. } | Self::Digest { .. } | Self::Nowhere { .. } => return None,
        })
    }
}

fn of_certificate(wrong: &CertificateError) -> &'static str {
    use CertificateError as Wrong;
    match wrong {
        Wrong::UnknownIssuer => "name the certificate of the server or of its authority in `sslcacert`, if it is to be trusted",
        Wrong::Expired | Wrong::ExpiredContext { .. } | Wrong::NotValidYet | Wrong::NotValidYetContext { .. } => {
            "the certificate is not valid today; check this machine's clock"
        }
        Wrong::NotValidForName | Wrong::NotValidForNameContext { .. } => "the certificate is that of another host; check `baseurl`",
        _ => "name the certificate itself in `sslcacert`, if it is to be trusted; those of authorities need version 3 and `subjectAltName`",
    }
}
