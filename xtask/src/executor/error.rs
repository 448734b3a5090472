//! Why a build gave nothing.

use std::path::PathBuf;

use crate::diagnostic::{ExitCode, Failure};
use crate::name::PackageName;

/// Why one spec was not built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A step of its recipe failed.
    #[error("package `{spec}` failed in its {phase} phase ({end})")]
    Failed {
        /// The spec.
        spec: PackageName,
        /// The phase.
        phase: String,
        /// `exit code 2`, `signal SIGKILL`.
        end: String,
        /// The whole log.
        log: PathBuf,
        /// Its last lines.
        last_lines: Vec<String>,
    },
    /// Something around the build failed: a source, the SDK, the sandbox, the store, the packaging.
    #[error("package `{spec}` could not be built")]
    Around {
        /// The spec.
        spec: PackageName,
        /// Why.
        source: Box<dyn Failure>,
    },
    /// Somebody asked to stop.
    #[error("package `{spec}` was interrupted")]
    Cancelled {
        /// The spec.
        spec: PackageName,
    },
}

impl BuildError {
    /// The spec it is about.
    pub fn spec(&self) -> &PackageName {
        match self {
            Self::Failed { spec, .. } | Self::Around { spec, .. } | Self::Cancelled { spec } => spec,
        }
    }

    /// An error around the build of `spec`.
    pub fn around(spec: &PackageName, source: impl Failure) -> Self {
        Self::Around { spec: spec.clone(), source: Box::new(source) }
    }
}

impl Failure for BuildError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Failed { spec, log, .. } => {
                Some(format!("the whole log is `{}`; `cargo xtask shell {spec}` opens the sandbox where it failed", log.display()))
            }
            Self::Around { source, .. } => source.hint(),
            Self::Cancelled { .. } => Some("run the same command again: what was built is kept".into()),
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::Failed { .. } => ExitCode::Failed,
            Self::Around { source, .. } => source.exit(),
            Self::Cancelled { .. } => ExitCode::Interrupted,
        }
    }
}

/// Why a run did not give all that was asked for.
#[derive(Debug, thiserror::Error)]
#[error("{}", summary(failures.len(), skipped.len()))]
pub struct RunError {
    /// The builds that failed, in the order of their names.
    pub failures: Vec<BuildError>,
    /// Specs not tried because they build on one that failed.
    pub skipped: Vec<PackageName>,
}

fn summary(failed: usize, skipped: usize) -> String {
    let failed = match failed {
        1 => "1 package failed".to_owned(),
        count => format!("{count} packages failed"),
    };
    match skipped {
        0 => failed,
        1 => format!("{failed}, and 1 that builds on it was not tried"),
        count => format!("{failed}, and {count} that build on them were not tried"),
    }
}

impl Failure for RunError {
    fn hint(&self) -> Option<String> {
        self.failures.first().and_then(Failure::hint)
    }

    fn exit(&self) -> ExitCode {
        self.failures.first().map_or(ExitCode::Failed, Failure::exit)
    }
}
