//! Why an image could not be made.

use crate::{PackagesError, PublishError};
use base::diagnostic::{ExitCode, Failure, Problems};
use base::file_error::FileError;
use base::name::PackageName;
use image::description::Format;
use image::disk::DiskError;
use image::disk_format::FormatError;
use image::iso::IsoError;
use rootfs::RootfsError;
use runtime::store::StoreError;
use signing::SignError;

/// Why an image could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// Its packages could not be built.
    #[error(transparent)]
    Build(#[from] PackagesError),
    /// Its packages could not be signed.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// A key is missing or unusable.
    #[error(transparent)]
    Keys(#[from] SignError),
    /// The root could not be composed.
    #[error(transparent)]
    Rootfs(#[from] RootfsError),
    /// The live medium could not be written.
    #[error(transparent)]
    Iso(#[from] IsoError),
    /// The disk could not be made.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The disk could not be written.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// An OVA or a container image could not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The image's file names what there is not.
    #[error(transparent)]
    Names(#[from] Problems),
    /// The image has no kernel.
    #[error("image `{image}` has no kernel, so it cannot be written as {format}")]
    NoKernel {
        /// The image.
        image: PackageName,
        /// The format asked for.
        format: Format,
    },
    /// It is larger than it may be.
    #[error("image `{image}` is over its budget: {what} is {found}, the limit is {bound}")]
    OverBudget {
        /// The image.
        image: PackageName,
        /// What is too large.
        what: &'static str,
        /// How large it is, with its unit.
        found: String,
        /// How large it may be.
        bound: String,
        /// The largest causes.
        largest: String,
    },
}

impl Failure for ImageError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Build(error) => Some(error),
            Self::Publish(error) => Some(error),
            Self::Keys(error) => Some(error),
            Self::Rootfs(error) => Some(error),
            Self::Iso(error) => Some(error),
            Self::Disk(error) => Some(error),
            Self::Format(error) => Some(error),
            Self::File(error) => Some(error),
            Self::Store(error) => Some(error),
            Self::Names(error) => Some(error),
            Self::NoKernel { .. } | Self::OverBudget { .. } => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoKernel { image, .. } => {
                Some(format!("its formats are tar, oci and docker; or add `kernel = \"esx\"` to the file of the image `{image}`"))
            }
            Self::OverBudget { image, largest, .. } => Some(format!(
                "the largest are: {largest}; reduce them, or raise the limit in `[budget]` of the file of the image `{image}`"
            )),
            _ => self.inner()?.hint(),
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::NoKernel { .. } => ExitCode::Usage,
            Self::Build(_)
            | Self::Publish(_)
            | Self::Keys(_)
            | Self::Rootfs(_)
            | Self::Iso(_)
            | Self::Disk(_)
            | Self::Format(_)
            | Self::File(_)
            | Self::Store(_)
            | Self::Names(_)
            | Self::OverBudget { .. } => self.inner().map_or(ExitCode::Failed, Failure::exit),
        }
    }
}
