//! Building packages with everything they need.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;

use super::Builder;
use super::caching::{self, CachingError, plan_with};
use super::executor::Executor;
use super::farm::{Either, Fallback, FarmError, Remote};
use super::local::Local;
use super::schedule::{self, Limits, RunError, Weight};
use super::step::Steps;
use base::diagnostic::Failure;
use base::name::PackageName;
use kernel::signing::SigningError;
use planning::action::Results;
use planning::graph::Graph;
use planning::plan::{Goal, Plan, World as _};
use planning::spec::{Origin, Source};
use runtime::progress::Event;
use runtime::sandbox::{SandboxError, check_programs};
use runtime::store::{StoreError, Sweeper};
use runtime::workers::beside;
use sdk::source::{Fetcher, FoundOut, SourceError};
use sdk::{LayerName, LayerTree, SdkError};

/// Why packages were not built.
#[derive(Debug, thiserror::Error)]
pub enum PackagesError {
    /// The SDK is not available.
    #[error(transparent)]
    Sdk(#[from] SdkError),
    /// Builds failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Taking results from caches failed.
    #[error(transparent)]
    Caching(#[from] CachingError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// This machine cannot run builds.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// Kernel modules cannot be signed.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// Everything is to be built by workers of a server that does not answer.
    #[error(transparent)]
    Farm(#[from] FarmError),
    /// The job server cannot be created.
    #[error("cannot create a job server")]
    Jobserver(#[source] std::io::Error),
}

impl Failure for PackagesError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Sdk(error) => Some(error),
            Self::Run(error) => Some(error),
            Self::Caching(error) => Some(error),
            Self::Store(error) => Some(error),
            Self::Sandbox(error) => Some(error),
            Self::Signing(error) => Some(error),
            Self::Farm(error) => Some(error),
            Self::Jobserver(_) => None,
        }
    }
}

/// Builds `packages` and everything they need, and returns the results of those specs whose packages they may need at run time.
///
/// # Errors
/// What could not be fetched or built. Whatever was built is kept.
pub fn build(builder: &mut Builder<'_>, packages: &[PackageName]) -> Result<Results, PackagesError> {
    let order = builder.graph.build_order(packages);
    build_specs(builder, &order, Goal::Run(packages))
}

/// Builds `packages` and everything they need, and returns the results of all of that, so with what is only built on.
///
/// # Errors
/// What could not be fetched or built. Whatever was built is kept.
pub fn build_with_inputs(builder: &mut Builder<'_>, packages: &[PackageName]) -> Result<Results, PackagesError> {
    let order = builder.graph.build_order(packages);
    build_specs(builder, &order, Goal::Everything)
}

/// Builds `packages` and everything that must be built before them, and returns the results of their specs. What `packages` need only at run
/// time is not built.
///
/// # Errors
/// What could not be fetched or built. Whatever was built is kept.
pub fn build_without_run_needs(builder: &mut Builder<'_>, packages: &[PackageName]) -> Result<Results, PackagesError> {
    let order = builder.graph.build_order_without_run_needs(packages);
    build_specs(builder, &order, Goal::Only(packages))
}

/// Builds these specs, which are in build order, as far as `goal` needs them, and returns the results that it is about.
fn build_specs(builder: &mut Builder<'_>, order: &[&PackageName], goal: Goal<'_>) -> Result<Results, PackagesError> {
    let sweeper = Sweeper::new(&builder.cancel);
    builder.store.left()?.into_iter().for_each(|left| sweeper.sweep(left));
    // What was built may need packages that its plan could not know of: at run time, or because a package is not what a cache promised.
    // The next plan knows of them, so each has more results than the one before it.
    loop {
        let results = build_once(builder, order, goal, &sweeper)?;
        if let Some(reached) = reached(builder, order, goal, &results) {
            return Ok(reached);
        }
        builder.reporter.event(Event::Note { message: "what was built needs further packages".into() });
    }
}

/// What [`build`] would return, if nothing would be fetched or built for it.
///
/// # Errors
/// When the user asked to stop.
pub(super) fn existing_results(builder: &Builder<'_>, packages: &[PackageName]) -> Result<Option<Results>, PackagesError> {
    let (plan, results) = plan_with(builder, packages)?;
    let order: Vec<&PackageName> = plan.steps.iter().map(|step| &step.spec).collect();
    Ok(if plan.is_settled() { reached(builder, &order, Goal::Run(packages), &results) } else { None })
}

/// The results that a goal is about, if all their packages are in the store.
fn reached(builder: &Builder<'_>, order: &[&PackageName], goal: Goal<'_>, results: &Results) -> Option<Results> {
    let specs = goal.specs(builder.graph, order, |spec| results.get(spec).map(|result| &**result));
    let whole = |spec: &PackageName| results.get(spec).filter(|result| builder.is_whole(result)).map(Arc::clone);
    specs.into_iter().map(|spec| Some((spec.clone(), whole(spec)?))).collect()
}

/// Builds these specs by one plan.
fn build_once(builder: &mut Builder<'_>, order: &[&PackageName], goal: Goal<'_>, sweeper: &Sweeper) -> Result<Results, PackagesError> {
    let (mut first, mut results) = caching::plan_and_take(builder, order, goal)?;
    let needs_key = work_of(&first).any(|spec| builder.kernels.needs_key(spec));
    if needs_key && builder.kernels.ensure_key(&builder.keys)? {
        (first, results) = caching::plan_and_take(builder, order, goal)?;
    }
    if first.is_settled() {
        announce(builder, &first);
        return Ok(results);
    }
    check_programs(&builder.store.root().join("scratch"))?;
    if let Some(farm) = builder.farm.as_ref().filter(|farm| farm.fallback == Fallback::Nothing) {
        // Fetching the SDK takes minutes.
        Remote::new(builder, farm, BTreeMap::new()).reach()?;
    }
    let work: Vec<&PackageName> = work_of(&first).collect();
    let wanted = builder.layers_of(work.iter().copied());
    let sources = sources_of(builder.graph, work.into_iter());
    let (trees, _, found_out) = fetch_together(builder, &sources, &wanted)?;
    let layers = trees.into_iter().map(|tree| (tree.name, tree.path)).collect();
    // Fetching the SDK may have changed its lock, and so every key.
    let (plan, _) = caching::plan_and_take(builder, order, goal)?;
    announce(builder, &plan);
    // A source that could not be fetched is reported by the build that needs it, and not tried again.
    let fetcher = Fetcher::new(builder.store, &builder.settings, builder.reporter, &builder.cancel).knowing(found_out);
    // A changed lock may have added work.
    let known: BTreeSet<_> = work_of(&first).collect();
    fetcher.fetch_all(&sources_of(builder.graph, work_of(&plan).filter(|spec| !known.contains(spec))));
    let jobserver = jobserver::Client::new(builder.jobs).map_err(PackagesError::Jobserver)?;
    let local = Local { builder, layers, jobserver, sweeper };
    let either = builder.farm.as_ref().map(|farm| {
        let remote = Remote::new(builder, farm, local.layers.clone());
        Either::new(builder, remote, &local, farm.fallback)
    });
    let executor: &dyn Executor = either.as_ref().map_or(&local, |either| either);
    let planned = plan.steps.iter().map(|step| (step.spec.clone(), step.state.clone())).collect();
    let steps = Steps { builder, executor, fetcher, sweeper, planned };
    let order: Vec<&PackageName> = plan.steps.iter().map(|step| &step.spec).collect();
    let limits = limits(builder);
    Ok(schedule::run(builder.graph, &order, |spec| weight(builder, spec), limits, &steps, builder.reporter, &builder.cancel)?)
}

/// How much may run at the same time. Builds on other machines take no memory of this one; those that fall back to it wait for its processors.
fn limits(builder: &Builder<'_>) -> Limits {
    match &builder.farm {
        Some(farm) => Limits { builds: farm.jobs, memory_bytes: u64::MAX },
        None => Limits { builds: builder.jobs, memory_bytes: available_memory_bytes() / 10 * 8 },
    }
}

fn announce(builder: &Builder<'_>, plan: &Plan) {
    let units = plan.work();
    let estimate_ms = plan.estimate_ms(builder.jobs);
    builder.reporter.event(Event::Planned { units, cached: plan.steps.len() - units, estimate_ms });
}

/// Fetches the sources of `specs` and the SDK's `layers` if they are missing. Returns the number of sources, and why some could not be
/// fetched.
///
/// # Errors
/// When a layer is not available.
pub fn fetch(builder: &mut Builder<'_>, specs: &[&PackageName], layers: &[LayerName]) -> Result<(usize, Vec<SourceError>), SdkError> {
    let sources = sources_of(builder.graph, specs.iter().copied());
    let (_, failures, _) = fetch_together(builder, &sources, layers)?;
    Ok((sources.len(), failures))
}

/// Has the SDK's layers at hand, and fetches `sources` meanwhile, so that builds never wait for the network. A source that cannot be fetched
/// stops only the package that wants it.
pub(super) fn fetch_together(
    builder: &mut Builder<'_>,
    sources: &[&Source],
    layers: &[LayerName],
) -> Result<(Vec<LayerTree>, Vec<SourceError>, FoundOut), SdkError> {
    let Builder { store, sdk, settings, reporter, cancel, .. } = builder;
    let fetching = cancel.part();
    let fetcher = Fetcher::new(store, settings, *reporter, &fetching);
    let ensure = || sdk.ensure(store, settings, layers, *reporter, cancel).inspect_err(|_| fetching.raise());
    let (failures, trees) = beside(|| fetcher.fetch_all(sources), ensure);
    Ok((trees?, failures, fetcher.found_out()))
}

/// The specs of a plan that are to be built, or may have to be.
fn work_of(plan: &Plan) -> impl Iterator<Item = &PackageName> {
    plan.steps.iter().filter(|step| step.state.is_work()).map(|step| &step.spec)
}

pub(super) fn sources_of<'a, 'p>(graph: &'a Graph, specs: impl Iterator<Item = &'p PackageName>) -> Vec<&'a Source> {
    specs.filter_map(|spec| graph.spec(spec)).flat_map(|folder| &folder.spec.sources).collect()
}

/// The time of a spec's last build. For one never built here, the time recorded in the project, else a guess by the size of its sources,
/// which have been fetched by now: long builds must not start last, when nothing else is left to run in parallel.
fn weight(builder: &Builder<'_>, spec: &PackageName) -> Weight {
    const MIB: u64 = 1 << 20;
    if let Some(record) = builder.record(spec) {
        return Weight { elapsed_ms: record.elapsed_ms, memory_bytes: record.peak_memory_bytes.max(64 * MIB) };
    }
    if let Some(expected) = builder.expected(spec) {
        return Weight { elapsed_ms: expected.elapsed_ms, memory_bytes: GUESSED_MEMORY_BYTES };
    }
    let size = |origin: &Origin| builder.store.object(origin.sha256()).and_then(|path| fs::metadata(path).ok()).map(|file| file.len());
    let sources = builder.graph.spec(spec).map_or(&[][..], |folder| &folder.spec.sources);
    let packed_bytes: u64 = sources.iter().filter_map(|source| source.origins.iter().find_map(size)).sum();
    Weight { elapsed_ms: 10_000 + packed_bytes * GUESSED_MS_PER_MIB / MIB, memory_bytes: GUESSED_MEMORY_BYTES }
}

/// The memory assumed for a build that was never measured.
const GUESSED_MEMORY_BYTES: u64 = 512 << 20;

/// Compiling takes about this long per MiB of packed sources on two processors, for xz, glib and systemd as well as for the kernel.
const GUESSED_MS_PER_MIB: u64 = 10_000;

/// `MemAvailable` of proc_meminfo(5); 2 GiB if it cannot be read.
pub fn available_memory_bytes() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|rest| rest.trim().split(' ').next()).and_then(|number| number.parse::<u64>().ok());
    kib.map_or(2 << 30, |kib| kib * 1024)
}
