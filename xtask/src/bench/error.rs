//! Why something could not be measured.

use std::io;
use std::path::Path;

use base::diagnostic::{ExitCode, Failure, Report};
use base::file_error::FileError;

/// Why something could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The thing to measure was not built.
    #[error("{what} is not built, so it cannot be measured")]
    NotBuilt {
        /// What is missing.
        what: String,
        /// The command that builds it.
        next: String,
    },
    /// A file.
    #[error(transparent)]
    Io(FileError),
    /// A process that was measured failed.
    #[error("the benchmarked program failed: {what}")]
    Broken {
        /// What failed, and its last words.
        what: String,
        /// The next step.
        next: Option<String>,
    },
    /// Something around it failed.
    #[error("{0}")]
    Around(Box<dyn Failure>),
    /// The user wants to stop.
    #[error("interrupted")]
    Interrupted,
}

impl BenchError {
    /// An I/O error at `path`.
    pub(super) fn io(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io(FileError::new(operation, path, source))
    }

    /// Something around the measurement failed.
    pub(super) fn around(failure: impl Failure) -> Self {
        Self::Around(Box::new(failure))
    }
}

impl From<Report> for BenchError {
    fn from(report: Report) -> Self {
        Self::Around(report.into_failure())
    }
}

impl Failure for BenchError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Around(failure) => Some(&**failure),
            Self::NotBuilt { .. } | Self::Io(_) | Self::Broken { .. } | Self::Interrupted => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NotBuilt { next, .. } => Some(format!("`{next}` builds it")),
            Self::Broken { next, .. } => next.clone(),
            Self::Around(_) | Self::Io(_) | Self::Interrupted => self.inner()?.hint(),
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::Interrupted => ExitCode::Interrupted,
            Self::NotBuilt { .. } | Self::Io(_) | Self::Broken { .. } | Self::Around(_) => {
                self.inner().map_or(ExitCode::Failed, Failure::exit)
            }
        }
    }
}
