//! Executes a plan: builds in parallel, each as soon as its inputs are built.

mod error;
mod queue;
mod run;

use std::path::PathBuf;

use base::name::PackageName;
use planning::action::{BuildResult, Results};

pub use error::{BuildError, PACKAGE, RunError, Said, Stop};
pub use run::{Limits, Weight, run};

/// The step of a plan for one spec.
pub trait Step: Sync {
    /// Builds `spec` on top of `results`, or returns its existing result. `None` if it turned out to need what was not planned for it: then it
    /// and what builds on it are left to another plan.
    ///
    /// # Errors
    /// Why there is no result.
    fn execute(&self, spec: &PackageName, results: &Results) -> Result<Option<Executed>, BuildError>;
}

/// The outcome of one step.
#[derive(Debug, Clone)]
pub struct Executed {
    /// The result.
    pub result: BuildResult,
    /// Whether it existed already.
    pub was_cached: bool,
    /// Its log, if it was built.
    pub log: Option<PathBuf>,
}
