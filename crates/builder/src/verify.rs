//! Building results of others again: a reproducible build gives the same packages, or one of the two builders is not to be trusted.

use std::collections::BTreeMap;
use std::time::Instant;

use super::Builder;
use super::build::{PackagesError, fetch_together, sources_of};
use super::caching;
use super::local::Local;
use super::schedule::BuildError;
use super::step::Steps;
use base::digest::Digest;
use base::name::PackageName;
use planning::action::{BuildResult, BuiltPackage, Results};
use planning::plan::Goal;
use runtime::progress::{Event, Outcome};
use runtime::store::Sweeper;
use sdk::source::Fetcher;

/// What came of building a spec again.
#[derive(Debug)]
pub enum Verdict {
    /// The same packages, byte for byte.
    Same,
    /// Other packages: file names, with the digests of the result and of the build here. A package that only one of the two has lacks the
    /// other's digest.
    Differs(BTreeMap<String, (Option<Digest>, Option<Digest>)>),
    /// Nobody else can build it: its modules are signed with a key that only its builder has.
    OwnKey,
    /// The build failed.
    Failed(BuildError),
}

/// Takes the results of `specs` from caches where they are not here, builds those that others made again, and compares the packages.
/// `chosen` picks among the specs whose results others made.
///
/// # Errors
/// When results, the SDK or the store are not to be had, or the user asked to stop.
pub fn verify(
    builder: &mut Builder<'_>,
    specs: &[PackageName],
    chosen: impl FnOnce(Vec<PackageName>) -> Vec<PackageName>,
) -> Result<Vec<(PackageName, Verdict)>, PackagesError> {
    let graph = builder.graph;
    let order = graph.build_order(specs);
    let (_, results) = caching::plan_and_take(builder, &order, Goal::Everything)?;
    let shared = order.iter().filter(|spec| results.get(**spec).is_some_and(|result| result.shared.is_some()));
    let chosen = chosen(shared.map(|spec| (*spec).clone()).collect());
    let layers = builder.layers_of(chosen.iter());
    let sources = sources_of(graph, chosen.iter());
    let (trees, _, found_out) = fetch_together(builder, &sources, &layers)?;
    let layers = trees.into_iter().map(|tree| (tree.name, tree.path)).collect();
    let fetcher = Fetcher::new(builder.store, &builder.settings, builder.reporter, &builder.cancel).knowing(found_out);
    let sweeper = Sweeper::new(&builder.cancel);
    let jobserver = jobserver::Client::new(builder.jobs).map_err(PackagesError::Jobserver)?;
    let local = Local { builder, layers, jobserver, sweeper: &sweeper };
    let steps = Steps { builder, executor: &local, fetcher, sweeper: &sweeper, planned: BTreeMap::new() };
    let mut verdicts = Vec::new();
    for spec in chosen {
        let Some(verdict) = verdict(&steps, &spec, &results) else { continue };
        if builder.cancel.is_raised() {
            break;
        }
        verdicts.push((spec, verdict));
    }
    Ok(verdicts)
}

/// Nothing for a spec without a result.
fn verdict(steps: &Steps<'_>, spec: &PackageName, results: &Results) -> Option<Verdict> {
    let builder = steps.builder;
    let (result, folder) = (results.get(spec)?, builder.graph.spec(spec)?);
    if builder.kernels.needs_key(spec) {
        return Some(Verdict::OwnKey);
    }
    let unit = format!("package {spec}");
    let begun = Instant::now();
    let verdict = match steps.build_again(folder, results) {
        Ok(packages) => compared(result, &packages),
        Err(error) => Verdict::Failed(error),
    };
    let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    builder.reporter.event(Event::Finished { unit, outcome: Outcome::Built, elapsed_ms });
    Some(verdict)
}

fn compared(result: &BuildResult, packages: &[BuiltPackage]) -> Verdict {
    let mut both: BTreeMap<String, (Option<Digest>, Option<Digest>)> = BTreeMap::new();
    for package in &result.packages {
        both.entry(package.file_name.clone()).or_default().0 = Some(package.object);
    }
    for package in packages {
        both.entry(package.file_name.clone()).or_default().1 = Some(package.object);
    }
    both.retain(|_, (theirs, ours)| theirs != ours);
    if both.is_empty() { Verdict::Same } else { Verdict::Differs(both) }
}
