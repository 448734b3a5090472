//! Taking results from caches instead of building.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use base::diagnostic::{ExitCode, Failure};
use base::digest::Digest;
use base::name::PackageName;
use cache::statement::Statement;
use cache::{Access, CacheUse, Caches, FetchError, Offer};
use planning::action::{BuildResult, Known, Results, known_key};
use planning::plan::{Goal, Plan, Shared, State, World as _, fields_of, plan, plan_specs};
use runtime::progress::{Event, Outcome};
use runtime::store::{Store, StoreError};

use super::Builder;

/// Where results of other builders are, and how they are used.
#[derive(Default)]
pub struct Caching {
    /// The caches; none to build everything here.
    pub caches: Caches,
}

/// Why packages could not be taken from caches.
#[derive(Debug, thiserror::Error)]
pub enum CachingError {
    /// Fetching failed as a whole.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A result cannot be recorded.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something would have to be built, which is not allowed.
    #[error("no cache has a result for {}, and `--cache-only` builds nothing", Named(specs))]
    NotShared {
        /// What would have to be built.
        specs: Vec<PackageName>,
    },
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl Failure for CachingError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Fetch(error) => Some(error),
            Self::Store(error) => Some(error),
            Self::NotShared { .. } | Self::Interrupted => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NotShared { .. } => {
                Some("`cargo xtask cache check` shows what the caches have; without `--cache-only` the rest is built here".into())
            }
            Self::Interrupted => None,
            Self::Fetch(_) | Self::Store(_) => self.inner()?.hint(),
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::Interrupted => ExitCode::Interrupted,
            Self::NotShared { .. } | Self::Fetch(_) | Self::Store(_) => self.inner().map_or(ExitCode::Failed, Failure::exit),
        }
    }
}

/// The first names, and how many more there are.
struct Named<'a>(&'a [PackageName]);

impl std::fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const SHOWN: usize = 10;
        let shown: Vec<String> = self.0.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
        f.write_str(&shown.join(", "))?;
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// The unit in which the progress of fetching is shown.
const UNIT: &str = "packages from the cache";

impl Caching {
    /// What caches have for these builds.
    pub(super) fn look_up(&self, builder: &Builder<'_>, wanted: &[(&PackageName, Digest)]) -> Vec<Option<Shared>> {
        let nothing = || vec![None; wanted.len()];
        if self.caches.is_empty() {
            return nothing();
        }
        let asked: Option<Vec<_>> = wanted.iter().map(|(spec, key)| Some((&builder.graph.spec(spec)?.spec, *key))).collect();
        // If the user wants to stop, whoever planned reports it; if fetching is impossible, the next step does.
        let Some(offers) = asked.and_then(|asked| self.caches.offers(&asked, &access(builder)).ok()) else { return nothing() };
        let absent = |object: &Digest| builder.store.object(object).is_none();
        let shared =
            |offer: Offer| Shared { bytes: offer.size_bytes(absent), cache: offer.cache.clone(), result: offer.result(BTreeMap::new()) };
        offers.into_iter().map(|offer| offer.map(shared)).collect()
    }
}

fn access<'b>(builder: &'b Builder<'_>) -> Access<'b> {
    Access { store: builder.store, client: builder.settings.client, reporter: builder.reporter, cancel: &builder.cancel }
}

/// Plans the building of `packages` with everything they need, and returns all results that are known, also those whose packages are not in
/// the store. Nothing is taken from caches.
///
/// # Errors
/// When the user asked to stop: caches were perhaps not asked for everything.
pub fn plan_with<'p>(builder: &Builder<'_>, packages: impl IntoIterator<Item = &'p PackageName>) -> Result<(Plan, Results), CachingError> {
    let planned = plan(builder.graph, packages, builder);
    if builder.cancel.is_raised() { Err(CachingError::Interrupted) } else { Ok(planned) }
}

/// Plans `order`, and takes from caches what `goal` and builds need. What caches offer beyond that is recorded without its packages, so that
/// a later run without caches knows the keys of what is built on it.
///
/// # Errors
/// When something would have to be built and must not be, fetching fails as a whole, or the store fails.
pub(super) fn plan_and_take(builder: &Builder<'_>, order: &[&PackageName], goal: Goal<'_>) -> Result<(Plan, Results), CachingError> {
    // Each round either adds results to this store or finds nothing more on offer, so the loop ends.
    loop {
        let (plan, results) = plan_specs(builder.graph, order, goal, builder);
        if builder.cancel.is_raised() {
            return Err(CachingError::Interrupted);
        }
        let work: Vec<PackageName> = plan.steps.iter().filter(|step| step.state.is_work()).map(|step| step.spec.clone()).collect();
        if builder.caching.caches.used() == CacheUse::Only && !work.is_empty() {
            return Err(CachingError::NotShared { specs: work });
        }
        for offer in offers_of(builder, &plan, |state| matches!(state, State::Unused { .. })) {
            know(builder, &offer, &results)?;
        }
        let offers = offers_of(builder, &plan, |state| matches!(state, State::Shared { .. }));
        if offers.is_empty() {
            return Ok((plan, results));
        }
        take(builder, &offers, &results)?;
    }
}

/// What caches offer for the steps of a plan in some states.
fn offers_of(builder: &Builder<'_>, plan: &Plan, is_meant: impl Fn(&State) -> bool) -> Vec<Offer> {
    let states = plan.steps.iter().map(|step| &step.state).filter(|state| is_meant(state));
    states.filter_map(|state| builder.caching.caches.known(state.key()?)).collect()
}

/// Records what an offer consists of, without its packages.
fn know(builder: &Builder<'_>, offer: &Offer, results: &Results) -> Result<(), CachingError> {
    let Statement { spec, key, .. } = &offer.statement;
    if builder.known(spec, key).is_none() {
        builder.store.put_bytes(&offer.envelope)?;
        let known = offer.result(fields_of(builder.graph, spec, builder, results));
        builder.store.put_result(&known_key(key), &Known { known })?;
    }
    Ok(())
}

/// Records a result whose packages are in the store.
///
/// # Errors
/// When the store cannot be written.
pub(super) fn record(store: &Store, result: &BuildResult) -> Result<(), StoreError> {
    store.put_result(&result.key, result)?;
    store.forget_result(&known_key(&result.key))
}

/// Fetches the packages of offers, and records their results. What cannot be fetched will be built; what builds on it keeps its key, as far as
/// that build makes the same packages.
fn take(builder: &Builder<'_>, offers: &[Offer], results: &Results) -> Result<(), CachingError> {
    let begun = std::time::Instant::now();
    builder.reporter.event(Event::Started { unit: UNIT.to_owned() });
    let before = builder.caching.caches.tally();
    let whole =
        builder.caching.caches.fetch(offers, &access(builder)).inspect_err(|error| builder.reporter.failed(UNIT, error.to_string()))?;
    for offer in offers {
        if whole.contains(&offer.statement.key) {
            let fields = fields_of(builder.graph, &offer.statement.spec, builder, results);
            record(builder.store, &offer.result(fields))?;
        } else {
            know(builder, offer, results)?;
        }
    }
    let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    builder.reporter.event(Event::Finished { unit: UNIT.to_owned(), outcome: Outcome::Built, elapsed_ms });
    if whole.is_empty() {
        // Warnings say why.
        return Ok(());
    }
    let tally = builder.caching.caches.tally();
    let mib = (tally.bytes - before.bytes) as f64 / f64::from(1 << 20);
    let builders: BTreeSet<&str> = offers.iter().flat_map(|offer| offer.builders.iter().map(String::as_str)).collect();
    let builders = builders.into_iter().collect::<Vec<_>>().join(", ");
    let message = format!("{} results taken from caches ({mib:.1} MiB), signed by {builders}", whole.len());
    builder.reporter.event(Event::Note { message });
    Ok(())
}

/// Asks caches for the result of a build whose key was unknown while planning, and takes it.
///
/// # Errors
/// As for [`plan_and_take`].
pub(super) fn take_late(
    builder: &Builder<'_>,
    spec: &PackageName,
    key: &Digest,
    results: &Results,
) -> Result<Option<BuildResult>, CachingError> {
    if builder.caching.caches.is_empty() || builder.caching.look_up(builder, &[(spec, *key)]).iter().all(Option::is_none) {
        return Ok(None);
    }
    let Some(offer) = builder.caching.caches.known(key) else { return Ok(None) };
    take(builder, std::slice::from_ref(&offer), results)?;
    Ok(builder.store.result_as(key, BuildResult::from_json)?.filter(|result| builder.is_whole(result)))
}

/// The results of the store that this builder alone vouched for, with their packages or without, and their specs, by whose names they are
/// sorted.
///
/// # Errors
/// When the store cannot be read.
pub fn vouched_by_only(store: &Store, builder: &str) -> Result<Vec<(Digest, PackageName)>, StoreError> {
    let mut found = Vec::new();
    for key in store.result_keys()? {
        // Other results than those of builds are stored, too.
        let read = |bytes: Vec<u8>| BuildResult::from_json(&bytes).or_else(|_| Known::from_json(&bytes).map(|known| known.known)).ok();
        let result = fs::read(store.result_path(&key)).ok().and_then(read);
        let shared = result.and_then(|result| Some((result.shared?, result.spec)));
        if let Some((shared, spec)) = shared
            && shared.builders.iter().all(|name| name == builder)
        {
            found.push((key, spec));
        }
    }
    found.sort_by(|(_, a), (_, b)| a.cmp(b));
    Ok(found)
}
