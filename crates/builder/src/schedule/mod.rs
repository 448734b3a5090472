//! Doing what a plan says: builds in parallel, each as soon as what it builds on is there.

mod error;
mod queue;
mod run;

use std::path::PathBuf;

use base::name::PackageName;
use planning::action::{BuildResult, Results};

pub use error::{BuildError, PACKAGE, RunError, Said, Stop};
pub use run::{Limits, Weight, run};

/// One step of a plan, done for one spec.
pub trait Step: Sync {
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
