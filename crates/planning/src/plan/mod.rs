//! A plan: which specs are cached, which will be built, and which depend on the output of such a build.

mod cost;
mod goal;
mod levels;
mod needed;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::action::{BuildResult, Fields, KeyInputs, Record, Results, input_packages, key_fields};
use crate::graph::Graph;
use base::digest::Digest;
use base::name::PackageName;

pub use cost::{Basis, COSTS_FILE, Costs, Estimate, sample_work};
pub use goal::Goal;

/// A plan for some specs, in build order.
#[derive(Debug, Serialize)]
pub struct Plan {
    /// One step for each spec.
    pub steps: Vec<Step>,
}

/// The plan for one spec.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The spec.
    pub spec: PackageName,
    /// Its state.
    #[serde(flatten)]
    pub state: State,
    /// The estimated cost of building it, if anything was recorded.
    #[serde(flatten)]
    pub estimate: Option<Estimate>,
}

/// The state of a spec in a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    /// Its result is in the store.
    Cached {
        /// Its key.
        key: Digest,
    },
    /// A cache has its result, which a builder that the user trusts has signed.
    Shared {
        /// Its key.
        key: Digest,
        /// The size of its packages' files that are not in the store, in bytes.
        bytes: u64,
        /// The cache's name.
        cache: String,
    },
    /// It will be built.
    Build {
        /// Its key.
        key: Digest,
    },
    /// Its packages are not in the store, and nothing in this plan uses them: it is neither fetched nor built. What they consist of is known,
    /// as a builder that the user trusts has signed it.
    Unused {
        /// Its key.
        key: Digest,
    },
    /// It will be built only if a package that it builds on changes.
    Unknown,
}

impl State {
    /// The key, if it is known.
    pub fn key(&self) -> Option<&Digest> {
        match self {
            Self::Cached { key } | Self::Shared { key, .. } | Self::Build { key } | Self::Unused { key } => Some(key),
            Self::Unknown => None,
        }
    }

    /// Whether it is to be built, or may have to be.
    pub fn is_work(&self) -> bool {
        match self {
            Self::Cached { .. } | Self::Shared { .. } | Self::Unused { .. } => false,
            Self::Build { .. } | Self::Unknown => true,
        }
    }
}

/// A result that a cache has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    /// The result; its packages are not in the store yet.
    pub result: BuildResult,
    /// The size of those files that are not in the store, in bytes.
    pub bytes: u64,
    /// The cache's name.
    pub cache: String,
}

/// What planning needs to know, from several threads.
pub trait World: Sync {
    /// SDK layers for a spec, in stacking order, and their digests.
    fn layers(&self, extra: &[String]) -> Vec<(String, Digest)>;
    /// Inputs from outside a spec's folder.
    fn extra_inputs(&self, spec: &PackageName) -> BTreeMap<String, Digest>;
    /// The result of a spec recorded under a key, if everything it refers to is in the store.
    fn result(&self, spec: &PackageName, key: &Digest) -> Option<BuildResult>;
    /// What is known of the result of a spec under a key, if that was recorded without its packages.
    fn known(&self, _spec: &PackageName, _key: &Digest) -> Option<BuildResult> {
        None
    }
    /// What caches have for builds whose results are not in the store, in the same order.
    fn shared(&self, wanted: &[(&PackageName, Digest)]) -> Vec<Option<Shared>> {
        vec![None; wanted.len()]
    }
    /// The record of the spec's last build.
    fn record(&self, spec: &PackageName) -> Option<Record>;
    /// The expected cost of a spec that was never built here.
    fn expected(&self, _spec: &PackageName) -> Option<Estimate> {
        None
    }
}

/// Plans the building of `packages` with everything they need, and returns all results that are known, also those whose packages are not in
/// the store.
pub fn plan<'a>(graph: &Graph, packages: impl IntoIterator<Item = &'a PackageName>, world: &dyn World) -> (Plan, Results) {
    let packages: Vec<PackageName> = packages.into_iter().filter_map(|name| graph.index().package(name.as_str())).cloned().collect();
    plan_specs(graph, &graph.build_order(&packages), Goal::Run(&packages), world)
}

/// Plans exactly these specs as far as `goal` needs them, and returns all results that are known, also those whose packages are not in the
/// store. `order` is a build order that contains everything its specs build on.
pub fn plan_specs(graph: &Graph, order: &[&PackageName], goal: Goal<'_>, world: &dyn World) -> (Plan, Results) {
    levels::plan(graph, order, goal, world)
}

/// The key fields of a spec, given the results of everything it builds on.
pub fn fields_of(graph: &Graph, spec: &PackageName, world: &dyn World, results: &Results) -> Fields {
    let Some(folder) = graph.spec(spec) else { return Fields::new() };
    let packages = input_packages(graph, spec, results);
    let layers = world.layers(&folder.spec.sdk);
    let extra = world.extra_inputs(spec);
    key_fields(folder, &KeyInputs { layers: &layers, packages: &packages, extra: &extra })
}

impl Plan {
    /// Whether nothing is left to fetch or to build.
    pub fn is_settled(&self) -> bool {
        self.steps.iter().all(|step| matches!(step.state, State::Cached { .. } | State::Unused { .. }))
    }

    /// How many specs are to be built, or may have to be.
    pub fn work(&self) -> usize {
        self.steps.iter().filter(|step| step.state.is_work()).count()
    }

    /// How many results are neither in the store nor used.
    pub fn unused(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step.state, State::Unused { .. })).count()
    }

    /// How many results are to be taken from caches, and the size of the packages to fetch in bytes.
    pub fn shared(&self) -> (usize, u64) {
        let sizes = || self.steps.iter().filter_map(|step| if let State::Shared { bytes, .. } = step.state { Some(bytes) } else { None });
        (sizes().count(), sizes().sum())
    }

    /// Estimated wall time in milliseconds on `cores` cores: the total processor time divided among them, but at least the longest build.
    /// `None` if nothing was recorded.
    pub fn estimate_ms(&self, cores: usize) -> Option<u64> {
        let work = self.steps.iter().filter(|step| step.state.is_work());
        let known: Vec<Estimate> = work.filter_map(|step| step.estimate).collect();
        let longest_ms = known.iter().map(|estimate| estimate.elapsed_ms).max()?;
        Some((known.iter().map(|estimate| estimate.cpu_ms).sum::<u64>() / cores.max(1) as u64).max(longest_ms))
    }
}

#[cfg(test)]
mod tests;
