//! Errors of keys and signatures.

use std::io;
use std::path::{Path, PathBuf};

use base::diagnostic::Failure;
use base::file_error::FileError;

/// Why signing failed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The file system said no.
    #[error(transparent)]
    Io(FileError),
    /// The key file does not contain a key that can sign.
    #[error("`{}` contains no key that can sign: {reason}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Others may read the key file.
    #[error("other users may read the secret key `{}` (mode {mode:o})", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A key could not be generated.
    #[error("cannot make a signing key")]
    Generate(#[source] pgp::errors::Error),
    /// Signing failed.
    #[error("cannot sign")]
    Sign(#[source] pgp::errors::Error),
    /// Signing a statement failed.
    #[error("cannot sign a statement")]
    Statement(#[source] p256::ecdsa::Error),
    /// The file to sign is not an RPM package.
    #[error("`{}` is not an RPM package", path.display())]
    NotRpm {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<rpm::Error>,
    },
}

impl SignError {
    /// An I/O error at `path`.
    pub(crate) fn io(operation: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io(FileError::new(operation, path, source))
    }
}

impl Failure for SignError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Unusable { path, .. } => Some(format!(
                "restore the right key from a backup; or move `{}` away to create a new key, which systems that trust the old one must import",
                path.display()
            )),
            Self::Exposed { path, .. } => Some(format!("if nobody copied it: chmod 600 {}", path.display())),
            Self::Io(_) => Some("KAON_KEYS is the directory that contains the key; it must be writable when there is no key yet".into()),
            Self::Generate(_) | Self::Sign(_) | Self::Statement(_) | Self::NotRpm { .. } => None,
        }
    }
}
