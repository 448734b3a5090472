//! Why a medium could not be written.

use crate::initramfs::InitramfsError;
use crate::tools::ImageToolError;
use base::diagnostic::Failure;
use base::file_error::FileError;
use runtime::store::StoreError;

/// Why a medium could not be written.
#[derive(Debug, thiserror::Error)]
pub enum IsoError {
    /// A tool failed.
    #[error(transparent)]
    Tool(#[from] ImageToolError),
    /// The root contains no kernel.
    #[error("the root file system contains no kernel")]
    NoKernel,
    /// The packages that start a medium lack a file.
    #[error("none of `kaon-live`, `grub` and `systemd-boot` contains `/{path}`, which is needed to boot media")]
    NoPart {
        /// The file.
        path: &'static str,
    },
    /// The program that UEFI starts from the network cannot be made.
    #[error("the EFI stub of `systemd-boot` cannot be used: {reason}")]
    Stub {
        /// What is wrong with it.
        reason: String,
    },
    /// The initramfs could not be made.
    #[error(transparent)]
    Initramfs(#[from] InitramfsError),
    /// An archive could not be written.
    #[error(transparent)]
    Archive(#[from] FileError),
    /// A file could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure for IsoError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Tool(error) => Some(error),
            Self::Initramfs(error) => Some(error),
            Self::Archive(error) => Some(error),
            Self::Store(error) => Some(error),
            Self::NoKernel | Self::NoPart { .. } | Self::Stub { .. } => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoKernel => Some("the image's kernel flavour must be built by a spec with `[build.kernel]`".into()),
            Self::NoPart { .. } => Some("`cargo xtask show --files` of `kaon-live`, `grub` and `systemd` lists their files".into()),
            Self::Stub { .. } => Some("`cargo xtask show systemd` shows how it is built".into()),
            Self::Tool(_) | Self::Initramfs(_) | Self::Archive(_) | Self::Store(_) => self.inner()?.hint(),
        }
    }
}
