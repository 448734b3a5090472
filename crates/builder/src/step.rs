//! One step of a plan, wherever its build runs: key, existing result, lock, sources, build, and packages.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::Builder;
use super::advice::advice;
use super::caching;
use super::executor::{Executor, Failed, INSTALLED, Job};
use super::failed;
use super::schedule::{BuildError, Executed, PACKAGE, Said, Step};
use base::diagnostic::{ExitCode, Failure};
use base::digest::Digest;
use base::name::PackageName;
use packaging::{Available, LicenceTexts};
use planning::action::{BuildResult, BuiltPackage, Fields, Record, Results, input_packages, key_of, record_key};
use planning::plan::{World as _, fields_of};
use planning::project::SpecFolder;
use planning::recipe::{LICENCES, recipe_with};
use runtime::progress::Event;
use runtime::sandbox::StepsEnded;
use runtime::store::{Scratch, StoreError, Sweeper};
use sdk::source::Fetcher;

/// Builds specs with an executor.
pub(super) struct Steps<'a> {
    pub(super) builder: &'a Builder<'a>,
    /// Where builds run.
    pub(super) executor: &'a dyn Executor,
    /// Where sources come from.
    pub(super) fetcher: Fetcher<'a>,
    /// Tokens for the processors.
    pub(super) jobserver: jobserver::Client,
    /// Removes what successful builds leave.
    pub(super) sweeper: &'a Sweeper,
}

impl Step for Steps<'_> {
    fn execute(&self, spec: &PackageName, results: &Results) -> Result<Executed, BuildError> {
        let builder = self.builder;
        let cancelled = || BuildError::Cancelled { spec: spec.clone() };
        let fields = fields_of(builder.graph, spec, builder, results);
        let key = key_of(&fields);
        let cached = || builder.result(spec, &key).map(|result| Executed { result, was_cached: true, log: None });
        if let Some(executed) = cached() {
            return Ok(executed);
        }
        if let Some(result) = caching::take_late(builder, spec, &key, results).map_err(|error| BuildError::around(spec, error))? {
            return Ok(Executed { result, was_cached: true, log: None });
        }
        let waiting = || builder.reporter.waiting(&format!("package {spec}"));
        let _lock = builder.store.lock(&format!("build-{key}"), waiting).map_err(|error| BuildError::around(spec, error))?;
        if let Some(executed) = cached() {
            return Ok(executed);
        }
        // Two builders of one checkout may have read different states of a spec, so only one at a time may use its log and the folder of
        // its failed build.
        let own = format!("spec-{}", builder.store.own_name(spec.as_str()));
        let _own = builder.store.lock(&own, waiting).map_err(|error| BuildError::around(spec, error))?;
        // The token is for the build's own first process; make in it takes further ones.
        let _token = self
            .jobserver
            .acquire()
            .map_err(|source| BuildError::around(spec, StoreError::io("acquire a job token for", Path::new("make"), source)))?;
        if builder.cancel.is_raised() {
            return Err(cancelled());
        }
        builder.reporter.event(Event::Started { unit: format!("package {spec}") });
        let folder = builder.graph.spec(spec).ok_or_else(cancelled)?;
        self.build(folder, fields, key, results)
    }
}

/// What a build made, before anything is recorded of it.
struct Made {
    packages: Vec<BuiltPackage>,
    scratch: Scratch,
    log: PathBuf,
    elapsed_ms: u64,
    cpu_ms: u64,
    peak_memory_bytes: u64,
}

impl Steps<'_> {
    fn build(&self, folder: &SpecFolder, fields: Fields, key: Digest, results: &Results) -> Result<Executed, BuildError> {
        let spec = &folder.spec.name;
        let Made { packages, scratch, log, elapsed_ms, cpu_ms, peak_memory_bytes } = self.make(folder, results)?;
        let result = BuildResult { spec: spec.clone(), key, fields, packages, elapsed_ms, cpu_ms, peak_memory_bytes, shared: None };
        self.record(&result).map_err(|error| BuildError::around(spec, error))?;
        failed::forget(self.builder.store, spec, self.sweeper).map_err(|error| BuildError::around(spec, error))?;
        self.sweeper.sweep(scratch);
        Ok(Executed { result, was_cached: false, log: Some(log) })
    }

    /// Builds a spec whose result is known, and returns the packages without recording them.
    pub(super) fn build_again(&self, folder: &SpecFolder, results: &Results) -> Result<Vec<BuiltPackage>, BuildError> {
        let (store, spec) = (self.builder.store, &folder.spec.name);
        let waiting = || self.builder.reporter.waiting(&format!("package {spec}"));
        // Its log is that of any other build of the spec in this checkout.
        let own = format!("spec-{}", store.own_name(spec.as_str()));
        let _own = store.lock(&own, waiting).map_err(|error| BuildError::around(spec, error))?;
        let made = self.make(folder, results)?;
        self.sweeper.sweep(made.scratch);
        Ok(made.packages)
    }

    fn make(&self, folder: &SpecFolder, results: &Results) -> Result<Made, BuildError> {
        let spec = &folder.spec;
        let store = self.builder.store;
        let around = |error: Box<dyn Failure>| BuildError::Around { spec: spec.name.clone(), source: error };
        let begun = Instant::now();
        let scratch = store.scratch(&format!("build-{}", spec.name)).map_err(|error| around(Box::new(error)))?;
        let log = store.log(&format!("{}.log", spec.name));
        let job = self.job(folder, results)?;
        let outcome = self.executor.run(&job, scratch.path(), &log);
        if self.builder.cancel.is_raised() {
            return Err(BuildError::Cancelled { spec: spec.name.clone() });
        }
        let outcome = outcome.map_err(around)?;
        if let StepsEnded::Failed { phase, end } = &outcome.status {
            self.keep(&job, scratch, Failed::InPhase(phase));
            let advice = advice(self.builder, spec, &last_lines(&log, SEARCHED_LINES), &job.packages);
            let said = Box::new(Said { last_lines: last_lines(&log, SHOWN_LINES), advice });
            return Err(BuildError::Failed { spec: spec.name.clone(), phase: phase.clone(), end: end.to_string(), log, said });
        }
        let packages = match self.packages(&job, scratch.path()) {
            Ok(packages) => packages,
            Err(_) if self.builder.cancel.is_raised() => return Err(BuildError::Cancelled { spec: spec.name.clone() }),
            Err(error) => {
                self.keep(&job, scratch, Failed::Afterwards);
                return Err(BuildError::Unpackaged { spec: spec.name.clone(), log, source: error });
            }
        };
        let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (cpu_ms, peak_memory_bytes) = (outcome.cpu_ms, outcome.peak_memory_bytes);
        Ok(Made { packages, scratch, log, elapsed_ms, cpu_ms, peak_memory_bytes })
    }

    /// Keeps what a failed build left. If that fails, it is only reported: the build's failure matters more.
    fn keep(&self, job: &Job<'_>, scratch: Scratch, failed: Failed<'_>) {
        if let Err(error) = self.executor.keep(job, scratch, failed) {
            let (spec, error) = (&job.folder.spec.name, text::with_causes(&error));
            self.builder.reporter.warn(format!("the failed build of `{spec}` is not kept for `cargo xtask shell`: {error}"));
        }
    }

    /// The job that builds a spec on top of `results`. Fetches its sources if they are missing.
    pub(super) fn job<'j>(&self, folder: &'j SpecFolder, results: &'j Results) -> Result<Job<'j>, BuildError> {
        let spec = &folder.spec;
        let mut sources = BTreeMap::new();
        for wanted in &spec.sources {
            let digest = self.fetcher.ensure(wanted).map_err(|error| BuildError::around(&spec.name, error))?;
            sources.insert(wanted.file_name().to_owned(), digest);
        }
        Ok(Job {
            folder,
            recipe: recipe_with(spec, self.builder.kernels.phases(&spec.name)),
            layers: self.builder.layer_names(&spec.sdk),
            packages: input_packages(self.builder.graph, &spec.name, results),
            sources,
            processors: self.builder.jobs,
        })
    }

    /// Turns what was installed below `at` into packages in the store.
    fn packages(&self, job: &Job<'_>, at: &Path) -> Result<Vec<BuiltPackage>, Box<dyn Failure>> {
        let (spec, installed) = (&job.folder.spec, at.join(INSTALLED));
        // Keys stay out of the sandbox, so modules are signed after it has ended.
        self.builder.kernels.sign(&spec.name, &installed).map_err(boxed)?;
        self.builder.reporter.phase(&format!("package {}", spec.name), PACKAGE);
        let available = Available::new(job.packages.iter().flat_map(|package| &package.provides));
        let licences = LicenceTexts::read(spec, &at.join(LICENCES.trim_start_matches('/'))).map_err(boxed)?;
        // Files of `[install]` are fresh copies with the content in the key, which the build could not change.
        let directory = at.join("own");
        job.folder.write_files(&directory).map_err(boxed)?;
        let (assembled, into) = (spec.clone(), at.join("packages"));
        // Packing gigabytes cannot be interrupted; when the user asks to stop, it is left to end with the process.
        let built = self
            .builder
            .cancel
            .unless_raised(move || packaging::assemble(&assembled, &directory, &installed, &licences, &available, &into));
        let built = built.ok_or_else(|| boxed(Interrupted))?.map_err(boxed)?;
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
pub(super) const SHOWN_LINES: usize = 15;

/// How many of them are searched for what is missing: other processes of the build continue for a while.
const SEARCHED_LINES: usize = 100;

fn boxed(failure: impl Failure) -> Box<dyn Failure> {
    Box::new(failure)
}

/// The user asked to stop while packages were made.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
struct Interrupted;

impl Failure for Interrupted {
    fn exit(&self) -> ExitCode {
        ExitCode::Interrupted
    }
}

/// The last lines of a log; only its end is read.
pub(super) fn last_lines(log: &Path, count: usize) -> Vec<String> {
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
