//! The sandbox a package would be built in, before anything was built: for a look around.

use std::path::Path;

use super::local::{Local, lay_out};
use super::{BuildFailure, Workshop, build};
use crate::executor::BuildError;
use base::diagnostic::{ExitCode, Failure};
use base::name::PackageName;
use planning::project::SpecFolder;
use runtime::sandbox::Job;
use runtime::store::Sweeper;
use sdk::source::Fetcher;

/// The last phase that is run before a look around: sources are unpacked, patched and in their place.
const PREPARED: [&str; 4] = ["unpack", "patch", "place", "prepare"];

/// Why the sandbox could not be laid out.
#[derive(Debug, thiserror::Error)]
pub enum RoomFailure {
    /// What the package builds on could not be built.
    #[error(transparent)]
    Build(#[from] BuildFailure),
    /// Its sources could not be had, or not be unpacked.
    #[error(transparent)]
    Prepare(#[from] BuildError),
}

impl Failure for RoomFailure {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Build(error) => error.hint(),
            Self::Prepare(error) => error.hint(),
        }
    }

    fn last_lines(&self) -> &[String] {
        match self {
            Self::Build(error) => error.last_lines(),
            Self::Prepare(error) => error.last_lines(),
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::Build(error) => error.exit(),
            Self::Prepare(error) => error.exit(),
        }
    }
}

/// Builds what `folder`'s spec builds on, prepares its sources in the empty directory `at`, and gives the job that would build it.
///
/// # Errors
/// Whatever could not be built, fetched, unpacked or patched.
pub fn room(workshop: &mut Workshop<'_>, folder: &SpecFolder, at: &Path) -> Result<Job, RoomFailure> {
    let spec = &folder.spec;
    let needs: Vec<PackageName> = spec.build_requires.clone();
    let results = if needs.is_empty() { Default::default() } else { build(workshop, &needs)? };
    let names = workshop.layer_names(&spec.sdk);
    let trees = workshop.sdk.ensure(workshop.store, &workshop.settings, &names, workshop.reporter, &workshop.cancel);
    let layers = trees.map_err(BuildFailure::from)?.into_iter().map(|tree| (tree.name, tree.path)).collect();
    let fetcher = Fetcher::new(workshop.store, &workshop.settings, workshop.reporter, &workshop.cancel);
    let jobserver = jobserver::Client::new(workshop.jobs).map_err(BuildFailure::Jobserver)?;
    let local = Local { workshop, layers, fetcher, jobserver, sweeper: Sweeper::new(&workshop.cancel) };
    lay_out(at, folder).map_err(|error| BuildError::around(&spec.name, error))?;
    let job = local.job(folder, &results, at)?;
    let steps = job.steps.iter().filter(|step| PREPARED.contains(&step.phase.as_str())).cloned().collect();
    local.prepare(folder, &Job { steps, ..job.clone() })?;
    Ok(job)
}
