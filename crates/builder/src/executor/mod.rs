//! Doing what a plan says: builds in parallel, each as soon as what it builds on is there.

mod error;
mod queue;
mod schedule;

use std::path::PathBuf;

use base::name::PackageName;
use planning::action::{BuildResult, Results};

pub use error::{BuildError, RunError, Said, Stop};
pub use schedule::{Limits, Weight, run};

/// Something that can build a spec: this machine, or a remote execution service.
pub trait Executor: Sync {
    /// Builds `spec` on top of `results`, or finds its result at hand.
    ///
    /// # Errors
    /// Why there is no result.
    fn execute(&self, spec: &PackageName, results: &Results) -> Result<Executed, BuildError>;
}

/// What came of one spec.
#[derive(Debug, Clone)]
pub struct Executed {
    /// The result.
    pub result: BuildResult,
    /// Whether it was at hand.
    pub was_cached: bool,
    /// Its log, if it was built.
    pub log: Option<PathBuf>,
}
