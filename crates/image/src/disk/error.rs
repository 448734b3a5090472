//! Why a disk could not be made.

use disk_layout::{LayoutError, UnknownGrub};

use crate::disk_format::FormatError;
use crate::tools::ImageToolError;
use base::diagnostic::{ExitCode, Failure};
use runtime::store::StoreError;

/// Why a disk could not be made.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The root contains no kernel.
    #[error("the root file system contains no kernel")]
    NoKernel,
    /// The package that starts disks lacks a file.
    #[error("package `grub` does not contain `/usr/lib/grub/kaon/{name}`, which every disk needs")]
    NoGrub {
        /// The file.
        name: &'static str,
    },
    /// A file of GRUB has an unknown layout.
    #[error(transparent)]
    UnknownGrub(#[from] UnknownGrub),
    /// The partitions do not fit.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// A tool failed.
    #[error(transparent)]
    Tool(#[from] ImageToolError),
    /// The parts cannot be assembled.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A file could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure for DiskError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Tool(error) => Some(error),
            Self::Format(error) => Some(error),
            Self::Store(error) => Some(error),
            Self::NoKernel | Self::NoGrub { .. } | Self::UnknownGrub(_) | Self::Layout(_) => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoKernel => Some("the image's kernel flavour must be built by a spec with `[build.kernel]`".into()),
            Self::NoGrub { .. } => Some("`cargo xtask show grub --files` lists its files".into()),
            Self::UnknownGrub(_) => Some("the offsets of its numbers are defined in `crates/disk-layout/src/grub.rs`".into()),
            Self::Layout(_) => Some("raise `size-gib` in the image's `[disk]`".into()),
            Self::Tool(_) | Self::Format(_) | Self::Store(_) => self.inner()?.hint(),
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::Layout(_) => ExitCode::Description,
            Self::NoKernel | Self::NoGrub { .. } | Self::UnknownGrub(_) | Self::Tool(_) | Self::Format(_) | Self::Store(_) => {
                self.inner().map_or(ExitCode::Failed, Failure::exit)
            }
        }
    }
}
