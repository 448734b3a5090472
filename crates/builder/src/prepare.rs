//! The sandbox a package would be built in, before anything was built: for a look around.

use std::path::Path;

use super::local::{Local, lay_out};
use super::{Builder, PackagesError, build};
use crate::executor::BuildError;
use base::diagnostic::Failure;
use base::name::PackageName;
use planning::project::SpecFolder;
use runtime::sandbox::Job;
use runtime::store::Sweeper;
use sdk::source::Fetcher;

/// The last phase that is run before a look around: sources are unpacked, patched and in their place.
const PREPARED: [&str; 4] = ["unpack", "patch", "place", "prepare"];

/// Why the sandbox could not be laid out.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// What the package builds on could not be built.
    #[error(transparent)]
    Build(#[from] PackagesError),
    /// Its sources could not be had, or not be unpacked.
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

/// Builds what `folder`'s spec builds on, prepares its sources in the empty directory `at`, and gives the job that would build it.
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
    let local = Local { builder, layers, fetcher, jobserver, sweeper: Sweeper::new(&builder.cancel) };
    lay_out(at, folder).map_err(|error| BuildError::around(&spec.name, error))?;
    let job = local.job(folder, &results, at)?;
    let steps = job.steps.iter().filter(|step| PREPARED.contains(&step.phase.as_str())).cloned().collect();
    local.prepare(folder, &Job { steps, ..job.clone() })?;
    Ok(job)
}
