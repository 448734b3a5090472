//! Builds on this machine, in sandboxes.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::advice::advice;
use super::{Builder, failed, inputs, job};
use crate::executor::{BuildError, Executed, Executor, Said};
use base::diagnostic::Failure;
use base::digest::Digest;
use base::name::PackageName;
use packaging::Available;
use planning::action::{BuildResult, BuiltPackage, Fields, Record, Results, input_packages, key_of, record_key};
use planning::plan::{World as _, fields_of};
use planning::project::SpecFolder;
use planning::recipe::{SPEC_FILES, WORKSPACE, recipe_with};
use planning::spec::Spec;
use runtime::progress::Event;
use runtime::sandbox::{self, Job, Outcome, StepsEnded};
use runtime::store::{Scratch, StoreError, Sweeper};
use sdk::LayerName;
use sdk::source::Fetcher;

/// Builds with this machine's sandboxes.
pub(super) struct Local<'a> {
    pub(super) builder: &'a Builder<'a>,
    /// Trees of the SDK's layers.
    pub(super) layers: BTreeMap<LayerName, PathBuf>,
    /// Where sources come from.
    pub(super) fetcher: Fetcher<'a>,
    /// Tokens for the processors, shared with every make below.
    pub(super) jobserver: jobserver::Client,
    /// Who clears away what successful builds leave.
    pub(super) sweeper: Sweeper,
}

impl Executor for Local<'_> {
    fn execute(&self, spec: &PackageName, results: &Results) -> Result<Executed, BuildError> {
        let builder = self.builder;
        let cancelled = || BuildError::Cancelled { spec: spec.clone() };
        let fields = fields_of(builder.graph, spec, builder, results);
        let key = key_of(&fields);
        let cached = || builder.result(spec, &key).map(|result| Executed { result, was_cached: true, log: None });
        if let Some(executed) = cached() {
            return Ok(executed);
        }
        let waiting = || builder.reporter.waiting(&format!("package {spec}"));
        let _lock = builder.store.lock(&format!("build-{key}"), waiting).map_err(|error| BuildError::around(spec, error))?;
        if let Some(executed) = cached() {
            return Ok(executed);
        }
        // Two builders of one checkout may have read different states of a spec; its log and the folder of its failed build are one's alone.
        let own = format!("spec-{}", builder.store.own_name(spec.as_str()));
        let _own = builder.store.lock(&own, waiting).map_err(|error| BuildError::around(spec, error))?;
        // The token stands for the build's own first process; what it starts beside that takes further ones.
        let _token = self
            .jobserver
            .acquire()
            .map_err(|source| BuildError::around(spec, StoreError::io("take a job token for", Path::new("make"), source)))?;
        if builder.cancel.is_raised() {
            return Err(cancelled());
        }
        builder.reporter.event(Event::Started { unit: format!("package {spec}") });
        let folder = builder.graph.spec(spec).ok_or_else(cancelled)?;
        self.build(folder, fields, key, results)
    }
}

impl Local<'_> {
    fn build(&self, folder: &SpecFolder, fields: Fields, key: Digest, results: &Results) -> Result<Executed, BuildError> {
        let spec = &folder.spec;
        let store = self.builder.store;
        let around = |error: Box<dyn Failure>| BuildError::Around { spec: spec.name.clone(), source: error };
        let begun = Instant::now();
        let scratch = store.scratch(&format!("build-{}", spec.name)).map_err(|error| around(Box::new(error)))?;
        let log = store.log(&format!("{}.log", spec.name));
        let job = self.job(folder, results, scratch.path())?;
        lay_out(scratch.path(), folder).map_err(|error| around(Box::new(error)))?;
        let outcome = self.run(spec.name.as_str(), &job, &log);
        if self.builder.cancel.is_raised() {
            return Err(BuildError::Cancelled { spec: spec.name.clone() });
        }
        let outcome = outcome.map_err(around)?;
        let inputs = input_packages(self.builder.graph, &spec.name, results);
        if let StepsEnded::Failed { phase, end } = &outcome.status {
            self.keep(spec, scratch, &job::until(&job, phase));
            let advice = advice(self.builder, spec, &last_lines(&log, SEARCHED_LINES), &inputs);
            let said = Box::new(Said { last_lines: last_lines(&log, SHOWN_LINES), advice });
            return Err(BuildError::Failed { spec: spec.name.clone(), phase: phase.clone(), end: end.to_string(), log, said });
        }
        let unit = format!("package {}", spec.name);
        // Keys stay out of the sandbox, so modules are signed when it is gone.
        self.builder.kernels.sign(&spec.name, &scratch.path().join("build/out")).map_err(|error| around(Box::new(error)))?;
        self.builder.reporter.phase(&unit, "package");
        let packages = match self.package(folder, scratch.path(), &inputs) {
            Ok(packages) => packages,
            Err(error) => {
                self.keep(spec, scratch, &job::without_steps(&job));
                return Err(around(error));
            }
        };
        let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let result = BuildResult {
            spec: spec.name.clone(),
            key,
            fields,
            packages,
            elapsed_ms,
            cpu_ms: outcome.cpu_ms,
            peak_memory_bytes: outcome.peak_memory_bytes,
        };
        self.record(&result).map_err(|error| around(Box::new(error)))?;
        self.sweeper.sweep(scratch);
        Ok(Executed { result, was_cached: false, log: Some(log) })
    }

    /// Keeps what a failed build left. The build's own failure is what counts, so one to keep it is only reported.
    fn keep(&self, spec: &Spec, scratch: Scratch, job: &Job) {
        if let Err(error) = failed::keep(self.builder.store, &spec.name, scratch, job, &self.sweeper) {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            self.builder.reporter.warn(format!("the failed build of `{}` is not kept for `cargo xtask shell`: {error}{cause}", spec.name));
        }
    }

    /// The job that builds a spec on top of `results`, in the directory `at`.
    pub(super) fn job(&self, folder: &SpecFolder, results: &Results, at: &Path) -> Result<Job, BuildError> {
        let spec = &folder.spec;
        let around = |source: Box<dyn Failure>| BuildError::Around { spec: spec.name.clone(), source };
        let inputs = input_packages(self.builder.graph, &spec.name, results);
        let layers = self.stack(spec, &inputs).map_err(around)?;
        let sources = self.sources(spec).map_err(around)?;
        let recipe = recipe_with(spec, self.builder.kernels.phases(&spec.name));
        Ok(job::sandbox_job(spec, &recipe, &layers, &sources, at, self.builder.jobs))
    }

    /// Runs the first steps of a build, for a look around.
    pub(super) fn prepare(&self, folder: &SpecFolder, job: &Job) -> Result<(), BuildError> {
        let spec = &folder.spec.name;
        let log = self.builder.store.log(&format!("shell-{spec}.log"));
        let outcome = self.run(spec.as_str(), job, &log).map_err(|source| BuildError::Around { spec: spec.clone(), source })?;
        match outcome.status {
            StepsEnded::Done => Ok(()),
            StepsEnded::Failed { phase, end } => {
                let said = Box::new(Said { last_lines: last_lines(&log, SHOWN_LINES), advice: None });
                Err(BuildError::Failed { spec: spec.clone(), phase, end: end.to_string(), log, said })
            }
        }
    }

    /// The trees a build sees, lowest first: the SDK's layers, then the packages it builds on.
    fn stack(&self, spec: &Spec, inputs: &[&BuiltPackage]) -> Result<Vec<PathBuf>, Box<dyn Failure>> {
        let names = self.builder.layer_names(&spec.sdk);
        let mut stack: Vec<PathBuf> = names.iter().filter_map(|name| self.layers.get(name).cloned()).collect();
        let waiting = || self.builder.reporter.waiting(&format!("package {}", spec.name));
        let tree = |package: &&BuiltPackage| inputs::tree(self.builder.store, package, waiting).map_err(boxed);
        let trees = inputs.iter().map(tree).collect::<Result<Vec<_>, _>>()?;
        let named: Vec<_> = inputs.iter().map(|package| &package.name).zip(trees.iter().map(PathBuf::as_path)).collect();
        inputs::check(&named).map_err(boxed)?;
        stack.extend(trees);
        Ok(stack)
    }

    /// The source files of a spec by the names they have in the sandbox.
    fn sources(&self, spec: &Spec) -> Result<BTreeMap<String, PathBuf>, Box<dyn Failure>> {
        let store = self.builder.store;
        let mut files = BTreeMap::new();
        for wanted in &spec.sources {
            let digest = self.fetcher.ensure(wanted).map_err(boxed)?;
            let path = store.object(&digest).ok_or_else(|| boxed(StoreError::Missing { digest }))?;
            files.insert(wanted.file_name().to_owned(), path);
        }
        Ok(files)
    }

    fn run(&self, name: &str, job: &Job, log: &Path) -> Result<Outcome, Box<dyn Failure>> {
        let unit = format!("package {name}");
        let on_phase = |phase: &str| self.builder.reporter.phase(&unit, phase);
        let outcome = sandbox::run(job, Some(&self.jobserver), log, &self.builder.cancel, &on_phase).map_err(boxed)?;
        sandbox::report_weakness(&outcome, self.builder.reporter);
        Ok(outcome)
    }

    /// Turns what was installed into packages in the store.
    fn package(&self, folder: &SpecFolder, scratch: &Path, inputs: &[&BuiltPackage]) -> Result<Vec<BuiltPackage>, Box<dyn Failure>> {
        let available = Available::new(inputs.iter().flat_map(|package| &package.provides));
        let into = scratch.join("packages");
        let built = packaging::assemble(&folder.spec, &folder.path, &scratch.join("build/out"), &available, &into).map_err(boxed)?;
        let mut packages = Vec::new();
        for one in built {
            let object = self.builder.store.put_file(&one.file).map_err(boxed)?;
            packages.push(BuiltPackage {
                name: one.name,
                file_name: one.file_name,
                object,
                provides: one.provides,
                requires: one.requires,
                files: one.files,
                installed_bytes: one.installed_bytes,
            });
        }
        packages.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(packages)
    }

    fn record(&self, result: &BuildResult) -> Result<(), StoreError> {
        self.builder.store.put_result(&result.key, result)?;
        self.builder.store.put_result(&record_key(&result.spec), &Record::of(result))
    }
}

/// How many of a failed build's last lines are shown.
const SHOWN_LINES: usize = 15;

/// In how many of them what is missing is looked for: other processes of the build go on for a while.
const SEARCHED_LINES: usize = 100;

fn boxed(failure: impl Failure) -> Box<dyn Failure> {
    Box::new(failure)
}

/// Makes the directories that a build's job uses, and lays in what it takes of the project: exactly what its key names.
pub(super) fn lay_out(at: &Path, folder: &SpecFolder) -> Result<(), StoreError> {
    let [workspace, files] = [WORKSPACE, SPEC_FILES].map(|place| at.join(place.trim_start_matches('/')));
    for path in [&at.join("build/out"), &at.join("upper"), &at.join("work"), &at.join("packages"), &workspace, &files] {
        fs::create_dir_all(path).map_err(|source| StoreError::io("make", path, source))?;
    }
    // The builder's umask must not show in what the build makes, nor the set-group-id bit of the store's directory, which is inherited.
    for path in [at.join("build"), at.join("build/out")] {
        fs::set_permissions(&path, Permissions::from_mode(0o755)).map_err(|source| StoreError::io("open up", &path, source))?;
    }
    folder.workspace.write(&workspace).map_err(|source| StoreError::io("fill", &workspace, source))?;
    folder.write_files(&files).map_err(|source| StoreError::io("fill", &files, source))
}

/// The last lines of a log; only its end is read.
fn last_lines(log: &Path, count: usize) -> Vec<String> {
    const TAIL_BYTES: u64 = 16 * 1024;
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = fs::File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let text = String::from_utf8_lossy(&read().unwrap_or_default()).into_owned();
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines[lines.len().saturating_sub(count)..].to_vec()
}
