//! The interface between what is built and where it runs: this machine or another.

use std::collections::BTreeMap;
use std::path::Path;

use base::diagnostic::Failure;
use base::digest::Digest;
use planning::action::BuiltPackage;
use planning::project::SpecFolder;
use planning::recipe::Recipe;
use runtime::sandbox::Outcome;
use runtime::store::{Scratch, StoreError};
use sdk::LayerName;

/// Where a job's installed files are, below the directory it ran in.
pub const INSTALLED: &str = "build/out";

/// One build: what runs, and its inputs, by names and digests that mean the same on every machine.
#[derive(Debug)]
pub struct Job<'a> {
    /// The spec, and the files of the project that its build takes.
    pub folder: &'a SpecFolder,
    /// What runs.
    pub recipe: Recipe,
    /// The SDK's layers that it sees, lowest first.
    pub layers: Vec<LayerName>,
    /// The packages over them, each an object of the store.
    pub packages: Vec<&'a BuiltPackage>,
    /// Its sources, by the names they have in the sandbox.
    pub sources: BTreeMap<String, Digest>,
    /// How many processors it may use.
    pub processors: usize,
}

/// The part of a job that `cargo xtask shell` runs again to see what failed.
#[derive(Clone, Copy, Debug)]
pub enum Failed<'a> {
    /// The job's phase of this name failed.
    InPhase(&'a str),
    /// All phases succeeded, but packaging what they installed failed.
    Afterwards,
}

/// Runs jobs.
pub trait Executor: Sync {
    /// Runs `job` in the empty directory `at`, and writes its output to `log`. The installed files are in [`INSTALLED`] below `at` afterwards.
    ///
    /// # Errors
    /// When it could not be run; a phase that fails is an outcome.
    fn run(&self, job: &Job<'_>, at: &Path, log: &Path) -> Result<Outcome, Box<dyn Failure>>;

    /// Keeps what a failed job left in `scratch`, for `cargo xtask shell`.
    ///
    /// # Errors
    /// When it cannot be kept.
    fn keep(&self, job: &Job<'_>, scratch: Scratch, failed: Failed<'_>) -> Result<(), StoreError>;
}
