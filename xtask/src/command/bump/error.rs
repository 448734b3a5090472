//! Errors of `bump`.

use std::io;
use std::path::PathBuf;

use base::diagnostic::{ExitCode, Failure};
use base::name::PackageName;
use sdk::updates::Obstacle;

/// Why no spec was changed.
#[derive(Debug, thiserror::Error)]
pub enum BumpError {
    /// The spec has the version.
    #[error("`{spec}` is at version {version} already")]
    Same {
        /// The spec.
        spec: PackageName,
        /// The version.
        version: String,
    },
    /// Nothing of the spec depends on its version.
    #[error("no source of `{path}` has `{{version}}` in its `url`, `debian` or `deb`, so the new version cannot be fetched")]
    NoAddress {
        /// The spec's file.
        path: String,
        /// The specs that have the same version and sources.
        others: Vec<PackageName>,
    },
    /// The spec takes nothing from the archive.
    #[error("no source of `{path}` is in the Debian archive, so its newest version is not known")]
    NotInArchive {
        /// The spec's file.
        path: String,
        /// The spec.
        spec: PackageName,
        /// The specs that have the same version and sources.
        others: Vec<PackageName>,
    },
    /// All that is newer is out of reach.
    #[error("version {version} of `{package}` is newer than that of `{spec}`, but cannot be fetched")]
    NotFetchable {
        /// The spec.
        spec: PackageName,
        /// The package in the archive.
        package: String,
        /// The newest version.
        version: String,
        /// Why.
        source: Obstacle,
    },
    /// The indexes do not have a file of the version.
    #[error("the Debian archive lists no `{file}`, so its digest is not known")]
    NotListed {
        /// The file.
        file: String,
        /// The spec.
        spec: PackageName,
    },
    /// What was fetched is no archive.
    #[error("the new version's `{file}` cannot be unpacked: it is {kind}")]
    NotAnArchive {
        /// The file.
        file: String,
        /// What it is.
        kind: &'static str,
    },
    /// A spec cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The spec's file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A spec cannot be written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The spec's file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Failure for BumpError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Same { .. } => Some("if the spec changed without its version, raise `release` in it".into()),
            Self::NoAddress { others, .. } | Self::NotInArchive { others, .. } if !others.is_empty() => {
                Some(format!("its version is that of {}: `--together` raises all of them", quoted(others)))
            }
            Self::NoAddress { .. } => Some(
                "add a `url` with `{version}` to the source, or write the new version, `debian` and `sha256` into the spec by hand".into(),
            ),
            Self::NotInArchive { spec, .. } => Some(format!("name the version: `cargo xtask bump {spec} VERSION`")),
            Self::NotFetchable { .. } => Some(
                "a mirror may get it later: try again, or select another one with KAON_DEBIAN_MIRROR=URL; the spec is as it was".into(),
            ),
            Self::NotListed { spec, .. } => Some(format!(
                "`cargo xtask bump {spec}` takes the newest version that is listed; otherwise write the version and `sha256` of a file you trust"
            )),
            Self::NotAnArchive { .. } => Some("check the version and the address; the spec is as it was".into()),
            Self::Read { .. } => None,
            Self::Write { .. } => Some("check who owns the file and that its file system has room; the spec is as it was".into()),
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::Same { .. } => ExitCode::Usage,
            Self::NoAddress { .. } | Self::NotInArchive { .. } => ExitCode::Description,
            Self::NotFetchable { .. } | Self::NotListed { .. } | Self::NotAnArchive { .. } | Self::Read { .. } | Self::Write { .. } => {
                ExitCode::Failed
            }
        }
    }
}

/// Names in quotation marks.
pub fn quoted(names: &[PackageName]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
