//! Why nothing is served.

use std::io;
use std::net::SocketAddr;

use base::diagnostic::Failure;
use base::file_error::FileError;

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The folder cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

impl Failure for ServeError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::File(_) => None,
            Self::Listen { address, source } => Some(match source.kind() {
                io::ErrorKind::PermissionDenied => "only root may listen on ports below 1024: choose another with `--listen`".into(),
                io::ErrorKind::AddrNotAvailable => {
                    "no network card of this machine has that address: `ip address` lists them, and 0.0.0.0 stands for all".into()
                }
                _ => format!("another program may be using port {}: choose another with `--listen`", address.port()),
            }),
        }
    }
}
