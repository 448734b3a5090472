//! Why a variant cannot be made.

use std::io;
use std::path::PathBuf;

use kickstart::medium::MediumError;

use base::diagnostic::{ExitCode, Failure};
use base::name::PackageName;

/// Why a variant cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum VariantError {
    /// The image has no medium.
    #[error("image `{image}` has no bootable medium")]
    NoMedium {
        /// The image.
        image: PackageName,
    },
    /// The file's name cannot be made into an image name.
    #[error("the image cannot be named after `{path}`: `{name}` is not a name", path = path.display())]
    Name {
        /// The file.
        path: PathBuf,
        /// The name made from it.
        name: String,
    },
    /// The kickstart file, or one it names, is missing or wrong.
    #[error("the kickstart file cannot be used")]
    Kickstart(#[from] MediumError),
    /// The kickstart file names a file outside of its directory.
    #[error("the kickstart file names `{name}`, which is not below its directory")]
    Outside {
        /// The name.
        name: String,
    },
    /// A package's name is invalid.
    #[error("the kickstart file requests `{text}`, which is not a package name")]
    NoPackage {
        /// The text.
        text: String,
    },
    /// The archive is not a container image.
    #[error("`{path}` is not a container image written by `docker save`: {reason}", path = path.display())]
    NotContainer {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A file cannot be read.
    #[error("cannot read `{path}`", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl VariantError {
    /// Makes the error for `path` that cannot be read.
    pub(super) fn read(path: &std::path::Path) -> impl Fn(io::Error) -> Self + '_ {
        move |source| Self::Read { path: path.to_owned(), source }
    }
}

impl Failure for VariantError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::NoMedium { image } => Some(format!("add `kernel = \"esx\"` and `[iso]` to `images/{image}.toml`")),
            Self::Name { .. } => Some("name the file with letters and digits".into()),
            Self::Kickstart(_) => Some("docs/src/kickstart.md is the reference of kickstart files".into()),
            Self::Outside { .. } => Some("only files below the kickstart file's directory are copied to the medium".into()),
            Self::NoPackage { .. } => Some("`cargo xtask list` lists all packages".into()),
            Self::NotContainer { .. } => {
                Some("`docker save IMAGE >FILE`, or `skopeo copy docker://IMAGE docker-archive:FILE:NAME:TAG`".into())
            }
            Self::Read { .. } => None,
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::Kickstart(_) | Self::Outside { .. } | Self::NoPackage { .. } => ExitCode::Description,
            Self::NoMedium { .. } | Self::Name { .. } | Self::NotContainer { .. } | Self::Read { .. } => ExitCode::Usage,
        }
    }
}
