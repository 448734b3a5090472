//! One step of a plan, wherever its build runs: key, existing result, lock, sources, build, and packages.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::Builder;
use super::advice::advice;
use super::caching::{self, CachingError};
use super::executor::{Built, Executor, Job, Permit, Unbuilt, Usage};
use super::failed;
use super::schedule::{BuildError, Executed, Said, Step};
use super::turn::{self, Turn};
use base::digest::Digest;
use base::name::PackageName;
use planning::action::{BuildResult, BuiltPackage, Fields, Record, Results, input_packages, key_of, record_key};
use planning::plan::{State, World as _, fields_of};
use planning::project::SpecFolder;
use planning::recipe::recipe_with;
use runtime::store::{StoreError, Sweeper};
use sdk::source::Fetcher;

/// Builds specs with an executor.
pub(super) struct Steps<'a> {
    pub(super) builder: &'a Builder<'a>,
    /// Where builds run.
    pub(super) executor: &'a dyn Executor,
    /// Where sources come from.
    pub(super) fetcher: Fetcher<'a>,
    /// Removes what successful builds leave.
    pub(super) sweeper: &'a Sweeper,
    /// What was planned for each spec.
    pub(super) planned: BTreeMap<PackageName, State>,
}

impl Step for Steps<'_> {
    fn execute(&self, spec: &PackageName, results: &Results) -> Result<Option<Executed>, BuildError> {
        let builder = self.builder;
        let cancelled = || BuildError::Cancelled { spec: spec.clone() };
        let fields = fields_of(builder.graph, spec, builder, results);
        let key = key_of(&fields);
        let cached = || builder.result(spec, &key).map(|result| Executed { result, was_cached: true, log: None });
        if let Some(executed) = cached() {
            return Ok(Some(executed));
        }
        if let Some(result) = self.known_or_shared(spec, &key, results).map_err(|error| BuildError::around(spec, error))? {
            return Ok(Some(Executed { result, was_cached: true, log: None }));
        }
        if !self.planned.get(spec).is_some_and(State::is_work) || !self.has_inputs(spec, results) {
            return Ok(None);
        }
        let waiting = || builder.reporter.waiting(&format!("package {spec}"));
        let locks = [format!("build-{key}"), self.own_lock(spec)];
        let turn = turn::wait(builder.store, &locks, || self.executor.permit(spec), waiting, cached);
        let (permit, _locks) = match turn.map_err(|error| BuildError::around(spec, error))? {
            Turn::Made(executed) => return Ok(Some(executed)),
            Turn::Mine { permit, locks } => (permit, locks),
        };
        if builder.cancel.is_raised() {
            return Err(cancelled());
        }
        let folder = builder.graph.spec(spec).ok_or_else(cancelled)?;
        self.build(folder, fields, key, (results, permit)).map(Some)
    }
}

/// What a build made, before anything is recorded of it.
struct Made {
    packages: Vec<BuiltPackage>,
    built: Built,
    log: PathBuf,
}

impl Steps<'_> {
    /// The lock of a spec in this checkout. Two builders of one checkout may have read different states of it, so only one at a time may use
    /// its log and the folder of its failed build.
    fn own_lock(&self, spec: &PackageName) -> String {
        format!("spec-{}", self.builder.store.own_name(spec.as_str()))
    }

    /// The result of a spec from a cache, or what is known of it where that does.
    fn known_or_shared(&self, spec: &PackageName, key: &Digest, results: &Results) -> Result<Option<BuildResult>, CachingError> {
        let shared = || caching::take_late(self.builder, spec, key, results);
        let known = || self.builder.known(spec, key);
        match self.planned.get(spec) {
            Some(State::Unused { .. }) => known().map_or_else(shared, |result| Ok(Some(result))),
            // Whether its packages are needed was not certain, so they are not built before that is.
            Some(State::Unknown) => Ok(shared()?.or_else(known)),
            Some(State::Cached { .. } | State::Shared { .. } | State::Build { .. }) | None => shared(),
        }
    }

    /// Whether the packages that are laid into a spec's sandbox are in the store.
    fn has_inputs(&self, spec: &PackageName, results: &Results) -> bool {
        let inputs = input_packages(self.builder.graph, spec, results);
        inputs.iter().all(|package| self.builder.store.object(&package.object).is_some())
    }

    fn build(
        &self,
        folder: &SpecFolder,
        fields: Fields,
        key: Digest,
        (results, permit): (&Results, Permit),
    ) -> Result<Executed, BuildError> {
        let spec = &folder.spec.name;
        let Made { packages, built, log } = self.make(folder, results, permit)?;
        let Usage { elapsed_ms, cpu_ms, peak_memory_bytes } = built.usage;
        let (spec_name, by) = (spec.clone(), built.by);
        let result = BuildResult { spec: spec_name, key, fields, packages, elapsed_ms, cpu_ms, peak_memory_bytes, by, shared: None };
        self.record(&result).map_err(|error| BuildError::around(spec, error))?;
        failed::forget(self.builder.store, spec, self.sweeper).map_err(|error| BuildError::around(spec, error))?;
        self.sweeper.sweep(built.scratch);
        Ok(Executed { result, was_cached: false, log: Some(log) })
    }

    /// Builds a spec whose result is known, and returns the packages without recording them.
    pub(super) fn build_again(&self, folder: &SpecFolder, results: &Results) -> Result<Vec<BuiltPackage>, BuildError> {
        let (store, spec) = (self.builder.store, &folder.spec.name);
        let waiting = || self.builder.reporter.waiting(&format!("package {spec}"));
        let turn = turn::wait(store, &[self.own_lock(spec)], || self.executor.permit(spec), waiting, || None::<Infallible>);
        let Turn::Mine { permit, locks: _own } = turn.map_err(|error| BuildError::around(spec, error))?;
        let made = self.make(folder, results, permit)?;
        self.sweeper.sweep(made.built.scratch);
        Ok(made.packages)
    }

    fn make(&self, folder: &SpecFolder, results: &Results, permit: Permit) -> Result<Made, BuildError> {
        let spec = &folder.spec.name;
        let log = self.builder.store.log(&format!("{spec}.log"));
        let job = self.job(folder, results)?;
        let executed = self.executor.execute(&job, &log, permit);
        if self.builder.cancel.is_raised() {
            return Err(BuildError::Cancelled { spec: spec.clone() });
        }
        let built = executed.map_err(|unbuilt| self.failure(&job, unbuilt, &log))?;
        let packages = self.stored(&built.packages).map_err(|error| BuildError::around(spec, error))?;
        Ok(Made { packages, built, log })
    }

    /// Why a job was not built, for the user.
    fn failure(&self, job: &Job<'_>, unbuilt: Unbuilt, log: &Path) -> BuildError {
        let (spec, log) = (job.folder.spec.name.clone(), log.to_owned());
        match unbuilt {
            Unbuilt::Phase { phase, end, by } => {
                let advice = advice(self.builder, &job.folder.spec, &last_lines(&log, SEARCHED_LINES), &job.packages);
                let said = Box::new(Said { last_lines: last_lines(&log, SHOWN_LINES), advice, by });
                BuildError::Failed { spec, phase, end, log, said }
            }
            Unbuilt::Unpackaged(source) => BuildError::Unpackaged { spec, log, source },
            Unbuilt::Around(source) | Unbuilt::Unavailable { scope: _, source } => BuildError::Around { spec, source },
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

    /// Puts the files of packages into the store.
    fn stored(&self, built: &[packaging::Built]) -> Result<Vec<BuiltPackage>, StoreError> {
        let one = |one: &packaging::Built| -> Result<BuiltPackage, StoreError> {
            let object = self.builder.store.put_file(&one.file)?;
            Ok(BuiltPackage {
                name: one.name.clone(),
                file_name: one.file_name.clone(),
                object,
                provides: one.provides.clone(),
                requires: one.requires.clone(),
                files: one.files,
                installed_bytes: one.installed_bytes,
            })
        };
        let mut packages = built.iter().map(one).collect::<Result<Vec<_>, _>>()?;
        packages.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(packages)
    }

    fn record(&self, result: &BuildResult) -> Result<(), StoreError> {
        caching::record(self.builder.store, result)?;
        self.builder.store.put_result(&record_key(&result.spec), &Record::of(result))
    }
}

/// How many of a failed build's last lines are shown.
pub(super) const SHOWN_LINES: usize = 15;

/// How many of them are searched for what is missing: other processes of the build continue for a while.
const SEARCHED_LINES: usize = 100;

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
