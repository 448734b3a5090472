//! Why legal information about an image could not be written.

use std::path::PathBuf;

use crate::{FilesError, ImageError};
use base::diagnostic::{ExitCode, Failure};
use base::name::PackageName;
use rpm_engine::transaction::TransactionError;
use runtime::directory::DirectoryError;
use runtime::store::StoreError;
use sdk::source::SourceError;

/// Why legal information about an image could not be written.
#[derive(Debug, thiserror::Error)]
pub enum LegalError {
    /// Its packages are not known.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The files of a package are not known.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The directory could not be written.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// Licence texts cannot be read.
    #[error("cannot read the licence texts in package `{package}`")]
    Texts {
        /// The package.
        package: PackageName,
        /// Why.
        source: Box<TransactionError>,
    },
    /// At least one source cannot be fetched.
    #[error("{} that the image is built from cannot be fetched", counted(.0.len()))]
    Sources(Vec<SourceError>),
    /// A file of the project has changed since the packages were built.
    #[error("`{}` was changed meanwhile", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

fn counted(sources: usize) -> String {
    if sources == 1 { "a source".to_owned() } else { format!("{sources} sources") }
}

impl Failure for LegalError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Image(error) => Some(error),
            Self::Files(error) => Some(error),
            Self::Store(error) => Some(error),
            Self::Directory(error) => Some(error),
            Self::Texts { .. } | Self::Sources(_) | Self::Changed { .. } | Self::Interrupted => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Sources(_) => Some(
                "add a place that has them with `--source-mirror`; `--no-sources` writes everything else, but GNU licences ask for the sources".into(),
            ),
            Self::Texts { package, .. } => Some(format!("`cargo xtask build {package}` builds it again if it is damaged")),
            Self::Changed { .. } => Some("run the same command again".into()),
            Self::Directory(DirectoryError::Occupied { path, .. }) => {
                Some(format!("name another directory with `--output`, or remove `{}`", path.display()))
            }
            Self::Image(_) | Self::Files(_) | Self::Store(_) | Self::Directory(_) | Self::Interrupted => self.inner()?.hint(),
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::Interrupted => ExitCode::Interrupted,
            Self::Sources(failures) => failures.first().map_or(ExitCode::Failed, Failure::exit),
            Self::Image(_) | Self::Files(_) | Self::Store(_) | Self::Directory(_) | Self::Texts { .. } | Self::Changed { .. } => {
                self.inner().map_or(ExitCode::Failed, Failure::exit)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_says_what_to_do() {
        let unavailable = || SourceError::Unavailable { file: "a-1.tar.gz".into(), attempts: Vec::new() };
        let occupied = DirectoryError::Occupied { path: "/home".into(), kind: "a directory that `legal-info` wrote" };
        for (error, text, hint, exit) in [
            (
                LegalError::Sources(vec![unavailable()]),
                "a source that the image is built from cannot be fetched",
                "--no-sources",
                ExitCode::Failed,
            ),
            (
                LegalError::Sources(vec![unavailable(), unavailable()]),
                "2 sources that the image is built from cannot be fetched",
                "--source-mirror",
                ExitCode::Failed,
            ),
            (LegalError::Changed { path: "specs/a/x".into() }, "`specs/a/x` was changed meanwhile", "again", ExitCode::Failed),
            (occupied.into(), "`/home` exists and is not a directory that `legal-info` wrote", "--output", ExitCode::Failed),
            (LegalError::Interrupted, "interrupted", "", ExitCode::Interrupted),
        ] {
            assert_eq!((error.to_string().as_str(), error.exit()), (text, exit));
            assert!(error.hint().unwrap_or_default().contains(hint), "{error}");
        }
    }
}
