//! Running jobs on this machine, in sandboxes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::executor::{Built, Executor, Job, Permit, Unbuilt, Usage};
use super::schedule::{BuildError, PACKAGE, Said};
use super::step::{SHOWN_LINES, last_lines};
use super::{Builder, failed, job};
use base::diagnostic::Failure;
use base::name::PackageName;
use packaging::Available;
use planning::action::{BuiltPackage, By};
use planning::project::SpecFolder;
use runtime::progress::Event;
use runtime::sandbox::{self, Outcome, StepsEnded};
use runtime::store::{Scratch, Store, StoreError, Sweeper};
use sdk::LayerName;
use worker::inputs::InputsError;
use worker::layout::{self, INSTALLED};
use worker::package::Interrupted;

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
    fn permit(&self, _: &PackageName) -> Result<Permit, StoreError> {
        // The token is for the build's own first process; make in it takes further ones.
        let token = self.jobserver.acquire();
        Ok(Permit(Some(token.map_err(|source| StoreError::io("acquire a job token for", Path::new("make"), source))?)))
    }

    fn execute(&self, job: &Job<'_>, log: &Path, permit: Permit) -> Result<Built, Unbuilt> {
        let spec = &job.folder.spec.name;
        // What was to run elsewhere has none.
        let _permit = if permit.0.is_some() { permit } else { self.permit(spec).map_err(around)? };
        if self.builder.cancel.is_raised() {
            return Err(around(Interrupted));
        }
        self.builder.reporter.event(Event::Started { unit: format!("package {spec}") });
        let begun = Instant::now();
        let scratch = self.builder.store.scratch(&format!("build-{spec}")).map_err(around)?;
        let at = scratch.path();
        let sandboxed = self.sandboxed(job, at).map_err(Unbuilt::Around)?;
        lay_out(at, job.folder).map_err(Unbuilt::Around)?;
        let outcome = self.run_sandboxed(spec, &sandboxed, log).map_err(Unbuilt::Around)?;
        if let StepsEnded::Failed { phase, end } = outcome.status {
            self.keep(spec, scratch, &job::until(&sandboxed, &phase));
            return Err(Unbuilt::Phase { phase, end: end.to_string(), by: By::Here });
        }
        match self.package(job, at) {
            Ok(packages) => {
                let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                let usage = Usage { elapsed_ms, cpu_ms: outcome.cpu_ms, peak_memory_bytes: outcome.peak_memory_bytes };
                Ok(Built { packages, scratch, usage, by: By::Here })
            }
            Err(error) => {
                if !self.builder.cancel.is_raised() {
                    self.keep(spec, scratch, &job::without_steps(&sandboxed));
                }
                Err(Unbuilt::Unpackaged(error))
            }
        }
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
        Ok(worker::job::sandbox_job(spec, &job.recipe, &layers, &sources, at, job.processors))
    }

    /// Runs the first steps of a build, for `cargo xtask shell`.
    pub(super) fn prepare(&self, spec: &PackageName, job: &sandbox::Job) -> Result<(), BuildError> {
        let log = self.builder.store.log(&format!("shell-{spec}.log"));
        let outcome = self.run_sandboxed(spec, job, &log).map_err(|source| BuildError::Around { spec: spec.clone(), source })?;
        match outcome.status {
            StepsEnded::Done => Ok(()),
            StepsEnded::Failed { phase, end } => {
                let said = Box::new(Said { last_lines: last_lines(&log, SHOWN_LINES), advice: None, by: By::Here });
                Err(BuildError::Failed { spec: spec.clone(), phase, end: end.to_string(), log, said })
            }
        }
    }

    /// Makes packages of what was installed below `at`.
    fn package(&self, job: &Job<'_>, at: &Path) -> Result<Vec<packaging::Built>, Box<dyn Failure>> {
        let spec = &job.folder.spec;
        // Keys stay out of the sandbox, so modules are signed after it has ended.
        self.builder.kernels.sign(&spec.name, &at.join(INSTALLED)).map_err(boxed)?;
        self.builder.reporter.phase(&format!("package {}", spec.name), PACKAGE);
        let available = Available::new(job.packages.iter().flat_map(|package| &package.provides));
        // Files of `[install]` are fresh copies with the content in the key, which the build could not change.
        let own = at.join("own");
        job.folder.write_files(&own).map_err(boxed)?;
        worker::package::package(spec, at, own, available, &self.builder.cancel)
    }

    /// Keeps what a failed build left, for `cargo xtask shell`. If that fails, it is only reported: the build's failure matters more.
    fn keep(&self, spec: &PackageName, scratch: Scratch, job: &sandbox::Job) {
        if let Err(error) = failed::keep(self.builder.store, spec, scratch, job, self.sweeper) {
            let error = text::with_causes(&error);
            self.builder.reporter.warn(format!("the failed build of `{spec}` is not kept for `cargo xtask shell`: {error}"));
        }
    }

    /// The trees a build sees, lowest first: the SDK's layers, then the packages it builds on.
    fn stack(&self, spec: &PackageName, layers: &[LayerName], packages: &[&BuiltPackage]) -> Result<Vec<PathBuf>, Box<dyn Failure>> {
        let mut stack: Vec<PathBuf> = layers.iter().filter_map(|name| self.layers.get(name).cloned()).collect();
        let waiting = || self.builder.reporter.waiting(&format!("package {spec}"));
        let tree = |package: &&BuiltPackage| package_tree(self.builder.store, package, waiting).map_err(boxed);
        let trees = packages.iter().map(tree).collect::<Result<Vec<_>, _>>()?;
        let named: Vec<_> = packages.iter().map(|package| &package.name).zip(trees.iter().map(PathBuf::as_path)).collect();
        worker::inputs::check(&named).map_err(boxed)?;
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

fn around(failure: impl Failure) -> Unbuilt {
    Unbuilt::Around(boxed(failure))
}

/// The tree of a built package of the store; `waiting` is called if another process is unpacking it.
///
/// # Errors
/// When the package is not in the store, is damaged, or cannot be unpacked.
pub fn package_tree(store: &Store, package: &BuiltPackage, waiting: impl FnOnce()) -> Result<PathBuf, InputsError> {
    worker::inputs::tree(store, &package.name, &package.object, || Ok(store.verified(&package.object)?), waiting)
}

/// Creates the directories of a build's job, and copies the spec's files and its part of the workspace.
pub(super) fn lay_out(at: &Path, folder: &SpecFolder) -> Result<(), Box<dyn Failure>> {
    layout::lay_out(at).map_err(boxed)?;
    folder.write_files(&layout::files(at)).map_err(boxed)?;
    let workspace = layout::workspace(at);
    folder.workspace.write(&workspace).map_err(|source| boxed(StoreError::io("fill", &workspace, source)))
}
