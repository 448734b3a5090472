//! The interface between what is built and where it runs: this machine or another.

use std::collections::BTreeMap;
use std::path::Path;

use base::diagnostic::Failure;
use base::digest::Digest;
use base::name::PackageName;
use planning::action::{BuiltPackage, By};
use planning::project::SpecFolder;
use planning::recipe::Recipe;
use runtime::store::{Scratch, StoreError};
use sdk::LayerName;

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

/// What a job made.
#[derive(Debug)]
pub struct Built {
    /// Its packages. Their files are in `scratch`.
    pub packages: Vec<packaging::Built>,
    /// The directory it ran in, or that its packages were fetched to.
    pub scratch: Scratch,
    /// What it took.
    pub usage: Usage,
    /// Where it ran.
    pub by: By,
}

/// What a job took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Wall time, in milliseconds, without the time in which it waited for a processor or a machine.
    pub elapsed_ms: u64,
    /// Processor time, in milliseconds.
    pub cpu_ms: u64,
    /// Largest memory use seen, in bytes.
    pub peak_memory_bytes: u64,
}

/// Why there are no packages.
#[derive(Debug)]
pub enum Unbuilt {
    /// A phase of the recipe failed.
    Phase {
        /// The phase.
        phase: String,
        /// How its process ended.
        end: String,
        /// Where it ran.
        by: By,
    },
    /// The recipe succeeded, but what it installed cannot be packaged.
    Unpackaged(Box<dyn Failure>),
    /// Something around the recipe failed, which would fail elsewhere as well or has nothing to do with where it runs.
    Around(Box<dyn Failure>),
    /// Nobody could run it; another executor may.
    Unavailable {
        /// What else cannot be run.
        scope: Scope,
        /// Why.
        source: Box<dyn Failure>,
    },
}

/// What cannot be run where a job could not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Perhaps only this job.
    Job,
    /// Any job, for the rest of this run.
    Everything,
}

/// The right to run one more build on this machine, until it is dropped. Who builds elsewhere has none.
#[derive(Debug, Default)]
pub struct Permit(pub Option<jobserver::Acquired>);

/// Runs jobs, and makes packages of what they installed.
pub trait Executor: Sync {
    /// Waits for the right to run a job of `spec`, before anything is locked for it.
    ///
    /// # Errors
    /// When this machine cannot give it.
    fn permit(&self, spec: &PackageName) -> Result<Permit, StoreError>;

    /// Runs `job`, and writes its output to `log`.
    ///
    /// # Errors
    /// When there are no packages. The caller tells a failure from an interrupt.
    fn execute(&self, job: &Job<'_>, log: &Path, permit: Permit) -> Result<Built, Unbuilt>;
}
