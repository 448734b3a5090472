//! Why an installation failed.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use kickstart::medium::MediumError;
use rpm_engine::solver::SolveError;
use system::SystemError;
use system::program::ProgramError;

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
    /// The system cannot be changed.
    #[error(transparent)]
    System(#[from] SystemError),
    /// A device did not appear.
    #[error("`{path}` did not appear within {seconds} s")]
    NoDevice {
        /// The device.
        path: PathBuf,
        /// How long it was waited for.
        seconds: u64,
    },
    /// A file of the medium is missing or wrong.
    #[error(transparent)]
    Medium(#[from] MediumError),
    /// The repository or the key is not accepted.
    #[error("the packages on the medium cannot be used")]
    Repository(#[source] Box<dyn Error + Send + Sync>),
    /// The packages that are asked for do not fit together, or are not there.
    #[error("the packages cannot be installed")]
    Choice(#[source] SolveError),
    /// The boot loader of the `grub` package is another than known.
    #[error("the boot loader's images are unknown to this installer")]
    Grub(#[from] disk_layout::UnknownGrub),
    /// A script would share the network of a machine that is not its system's own.
    #[error(
        "scripts of an installation into a file or directory run in namespaces of their own, and this machine forbids them: allow namespaces (in \
         a container, `--privileged` or `--cap-add SYS_ADMIN`), or leave `{name}` out"
    )]
    NoNamespaces {
        /// What it is called in the kickstart file.
        name: String,
        /// Why.
        source: SystemError,
    },
    /// Only root can do it.
    #[error("installing needs root")]
    NotRoot,
}

impl ApplyError {
    pub(crate) fn io<'a>(operation: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self::System(SystemError::io(operation, path)(source))
    }

    pub(super) fn repository(source: impl Error + Send + Sync + 'static) -> Self {
        Self::Repository(Box::new(source))
    }
}

impl From<ProgramError> for ApplyError {
    fn from(error: ProgramError) -> Self {
        Self::System(error.into())
    }
}
