//! The sandbox of a package before its build starts, for `cargo xtask shell`.

use std::collections::BTreeMap;
use std::path::Path;

use super::local::{Local, lay_out};
use super::schedule::BuildError;
use super::step::Steps;
use super::{Builder, PackagesError, build};
use base::diagnostic::Failure;
use base::name::PackageName;
use planning::project::SpecFolder;
use runtime::sandbox::Job;
use runtime::store::Sweeper;
use sdk::source::Fetcher;

/// The phases that run before the shell starts: sources are unpacked, patched and in place.
const PREPARED: [&str; 4] = ["unpack", "patch", "place", "prepare"];

/// Why the sandbox could not be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// What the package builds on could not be built.
    #[error(transparent)]
    Build(#[from] PackagesError),
    /// Its sources could not be fetched or unpacked.
    #[error(transparent)]
    Prepare(#[from] BuildError),
}

impl Failure for PrepareError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Build(error) => Some(error),
            Self::Prepare(error) => Some(error),
        }
    }
}

/// Builds what `folder`'s spec builds on, prepares its sources in the empty directory `at`, and returns the job that would build it.
///
/// # Errors
/// Whatever could not be built, fetched, unpacked or patched.
pub fn prepare(builder: &mut Builder<'_>, folder: &SpecFolder, at: &Path) -> Result<Job, PrepareError> {
    let spec = &folder.spec;
    let needs: Vec<PackageName> = spec.build_requires.clone();
    let results = if needs.is_empty() { Default::default() } else { build(builder, &needs)? };
    let names = builder.layer_names(&spec.sdk);
    let trees = builder.sdk.ensure(builder.store, &builder.settings, &names, builder.reporter, &builder.cancel);
    let layers = trees.map_err(PackagesError::from)?.into_iter().map(|tree| (tree.name, tree.path)).collect();
    let fetcher = Fetcher::new(builder.store, &builder.settings, builder.reporter, &builder.cancel);
    let jobserver = jobserver::Client::new(builder.jobs).map_err(PackagesError::Jobserver)?;
    let sweeper = Sweeper::new(&builder.cancel);
    let local = Local { builder, layers, jobserver, sweeper: &sweeper };
    let steps = Steps { builder, executor: &local, fetcher, sweeper: &sweeper, planned: BTreeMap::new() };
    let around = |source| BuildError::Around { spec: spec.name.clone(), source };
    lay_out(at, folder).map_err(around)?;
    let job = local.sandboxed(&steps.job(folder, &results)?, at).map_err(around)?;
    let first = job.steps.iter().filter(|step| PREPARED.contains(&step.phase.as_str())).cloned().collect();
    local.prepare(&spec.name, &Job { steps: first, ..job.clone() })?;
    Ok(job)
}
