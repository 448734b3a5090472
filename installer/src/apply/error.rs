//! Why an installation failed.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use super::{AccountsError, ProgramError};
use crate::medium::MediumError;

/// Why an installation failed.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// A step failed.
    #[error("step {number} failed: {what}")]
    Step {
        /// Its number, from 1.
        number: usize,
        /// What it does.
        what: String,
        /// Why.
        source: Box<ApplyError>,
    },
    /// A file or device cannot be used.
    #[error("cannot {operation} `{path}`")]
    Io {
        /// What was to be done: `read`, `write`.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The target is not empty.
    #[error("`{path}` is not empty")]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },
    /// A device did not appear.
    #[error("`{path}` did not appear within {seconds} s")]
    NoDevice {
        /// The device.
        path: PathBuf,
        /// How long it was waited for.
        seconds: u64,
    },
    /// A path of the installed system leads in circles.
    #[error("`{path}` of the installed system leads through too many links")]
    Links {
        /// The path.
        path: String,
    },
    /// A program failed.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// A file of the medium is missing or wrong.
    #[error(transparent)]
    Medium(#[from] MediumError),
    /// Accounts cannot be made.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// The repository or the key is not accepted.
    #[error("the packages on the medium cannot be used")]
    Repository(#[source] Box<dyn Error + Send + Sync>),
    /// The boot loader of the `grub` package is another than known.
    #[error("the boot loader's images are not those this installer knows")]
    Grub(#[from] disk_layout::UnknownGrub),
    /// The cloud does not say what this system is to be.
    #[error("the cloud cannot be asked what this system is to be; it is tried again at the next start")]
    Cloud(#[source] crate::firstboot::MetadataError),
    /// Something that was asked for is not done.
    #[error("{reason}")]
    Refused {
        /// Why.
        reason: String,
    },
    /// Only root can do it.
    #[error("installing takes root's rights")]
    NotRoot,
}

impl ApplyError {
    pub(crate) fn io<'a>(operation: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self::Io { operation, path: path.to_owned(), source }
    }

    pub(crate) fn refused(reason: &str) -> Self {
        Self::Refused { reason: reason.to_owned() }
    }

    pub(crate) fn cloud(source: crate::firstboot::MetadataError) -> Self {
        Self::Cloud(source)
    }

    pub(super) fn repository(source: impl Error + Send + Sync + 'static) -> Self {
        Self::Repository(Box::new(source))
    }
}

/// An error and its causes, in one line.
pub fn chain(error: &ApplyError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
