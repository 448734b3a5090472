//! Running jobs on this machine, in sandboxes.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::executor::{Executor, Failed, INSTALLED, Job};
use super::schedule::{BuildError, Said};
use super::step::{SHOWN_LINES, last_lines};
use super::{Builder, failed, inputs, job};
use base::diagnostic::Failure;
use base::name::PackageName;
use planning::action::BuiltPackage;
use planning::project::SpecFolder;
use planning::recipe::{SPEC_FILES, WORKSPACE};
use runtime::sandbox::{self, Outcome, StepsEnded};
use runtime::store::{Scratch, StoreError, Sweeper};
use sdk::LayerName;

/// This machine's sandboxes.
pub(super) struct Local<'a> {
    pub(super) builder: &'a Builder<'a>,
    /// Trees of the SDK's layers.
    pub(super) layers: BTreeMap<LayerName, PathBuf>,
    /// Tokens for the processors, shared with every make in the sandboxes.
    pub(super) jobserver: jobserver::Client,
    /// Removes what earlier failures left.
    pub(super) sweeper: &'a Sweeper,
}

impl Executor for Local<'_> {
    fn run(&self, job: &Job<'_>, at: &Path, log: &Path) -> Result<Outcome, Box<dyn Failure>> {
        let sandboxed = self.sandboxed(job, at)?;
        lay_out(at, job.folder).map_err(boxed)?;
        job.folder.write_files(&at.join(SPEC_FILES.trim_start_matches('/'))).map_err(boxed)?;
        self.run_sandboxed(&job.folder.spec.name, &sandboxed, log)
    }

    fn keep(&self, job: &Job<'_>, scratch: Scratch, failed: Failed<'_>) -> Result<(), StoreError> {
        // The job was run with these trees a moment ago, so this does not fail.
        let Ok(sandboxed) = self.sandboxed(job, scratch.path()) else { return Ok(()) };
        let sandboxed = match failed {
            Failed::InPhase(phase) => job::until(&sandboxed, phase),
            Failed::Afterwards => job::without_steps(&sandboxed),
        };
        failed::keep(self.builder.store, &job.folder.spec.name, scratch, &sandboxed, self.sweeper)
    }
}

impl Local<'_> {
    /// The job with its digests resolved to paths of this machine, in the directory `at`.
    pub(super) fn sandboxed(&self, job: &Job<'_>, at: &Path) -> Result<sandbox::Job, Box<dyn Failure>> {
        let spec = &job.folder.spec;
        let layers = self.stack(&spec.name, &job.layers, &job.packages)?;
        let mut sources = BTreeMap::new();
        for (name, digest) in &job.sources {
            let path = self.builder.store.object(digest).ok_or_else(|| boxed(StoreError::Missing { digest: *digest }))?;
            sources.insert(name.clone(), path);
        }
        Ok(job::sandbox_job(spec, &job.recipe, &layers, &sources, at, job.processors))
    }

    /// Runs the first steps of a build, for `cargo xtask shell`.
    pub(super) fn prepare(&self, spec: &PackageName, job: &sandbox::Job) -> Result<(), BuildError> {
        let log = self.builder.store.log(&format!("shell-{spec}.log"));
        let outcome = self.run_sandboxed(spec, job, &log).map_err(|source| BuildError::Around { spec: spec.clone(), source })?;
        match outcome.status {
            StepsEnded::Done => Ok(()),
            StepsEnded::Failed { phase, end } => {
                let said = Box::new(Said { last_lines: last_lines(&log, SHOWN_LINES), advice: None });
                Err(BuildError::Failed { spec: spec.clone(), phase, end: end.to_string(), log, said })
            }
        }
    }

    /// The trees a build sees, lowest first: the SDK's layers, then the packages it builds on.
    fn stack(&self, spec: &PackageName, layers: &[LayerName], packages: &[&BuiltPackage]) -> Result<Vec<PathBuf>, Box<dyn Failure>> {
        let mut stack: Vec<PathBuf> = layers.iter().filter_map(|name| self.layers.get(name).cloned()).collect();
        let waiting = || self.builder.reporter.waiting(&format!("package {spec}"));
        let tree = |package: &&BuiltPackage| inputs::tree(self.builder.store, package, waiting).map_err(boxed);
        let trees = packages.iter().map(tree).collect::<Result<Vec<_>, _>>()?;
        let named: Vec<_> = packages.iter().map(|package| &package.name).zip(trees.iter().map(PathBuf::as_path)).collect();
        inputs::check(&named).map_err(boxed)?;
        stack.extend(trees);
        Ok(stack)
    }

    fn run_sandboxed(&self, spec: &PackageName, job: &sandbox::Job, log: &Path) -> Result<Outcome, Box<dyn Failure>> {
        let unit = format!("package {spec}");
        let on_phase = |phase: &str| self.builder.reporter.phase(&unit, phase);
        let outcome = sandbox::run(job, Some(&self.jobserver), log, &self.builder.cancel, &on_phase).map_err(boxed)?;
        sandbox::report_weakness(&outcome, self.builder.reporter);
        Ok(outcome)
    }
}

fn boxed(failure: impl Failure) -> Box<dyn Failure> {
    Box::new(failure)
}

/// Creates the directories of a build's job, and copies its part of the workspace.
pub(super) fn lay_out(at: &Path, folder: &SpecFolder) -> Result<(), StoreError> {
    let [workspace, files] = [WORKSPACE, SPEC_FILES].map(|place| at.join(place.trim_start_matches('/')));
    for path in [&at.join(INSTALLED), &at.join("upper"), &at.join("work"), &at.join("packages"), &workspace, &files] {
        fs::create_dir_all(path).map_err(|source| StoreError::io("make", path, source))?;
    }
    // The builder's umask must not affect what the build makes, nor the set-group-id bit of the store's directory, which is inherited.
    for path in [at.join("build"), at.join(INSTALLED)] {
        fs::set_permissions(&path, Permissions::from_mode(0o755)).map_err(|source| StoreError::io("open up", &path, source))?;
    }
    folder.workspace.write(&workspace).map_err(|source| StoreError::io("fill", &workspace, source))
}
