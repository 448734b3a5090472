//! What would be done: which specs are cached, which will be built, which depend on the output of one that will.

mod waves;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::action::{BuildResult, Fields, KeyInputs, Record, Results, key_fields, laid_packages};
use crate::digest::Digest;
use crate::graph::Graph;
use crate::name::PackageName;

/// A plan for some specs, each after those it needs.
#[derive(Debug, Serialize)]
pub struct Plan {
    /// One step for each spec.
    pub steps: Vec<Step>,
}

/// What becomes of one spec.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The spec.
    pub spec: PackageName,
    /// Its state.
    #[serde(flatten)]
    pub state: State,
    /// Wall time of its last build, in milliseconds.
    pub estimate_ms: Option<u64>,
}

/// The state of a spec in a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    /// Its result is at hand.
    Cached {
        /// Its key.
        key: Digest,
    },
    /// It will be built.
    Build {
        /// Its key.
        key: Digest,
    },
    /// It will be built only if a package it builds on comes out different.
    Unknown,
}

/// What planning asks of the world, from several threads.
pub trait World: Sync {
    /// SDK layers for a spec, in stacking order, and their digests.
    fn layers(&self, extra: &[String]) -> Vec<(String, Digest)>;
    /// Inputs from outside a spec's folder.
    fn extra_inputs(&self, spec: &PackageName) -> BTreeMap<String, Digest>;
    /// The result of a spec recorded under a key, if all it names is at hand.
    fn result(&self, spec: &PackageName, key: &Digest) -> Option<BuildResult>;
    /// What was learnt of the spec's last build.
    fn record(&self, spec: &PackageName) -> Option<Record>;
}

/// Plans the building of `packages` with all they need, and gives the results already at hand.
pub fn plan<'a>(graph: &Graph, packages: impl IntoIterator<Item = &'a PackageName>, world: &dyn World) -> (Plan, Results) {
    let packages: Vec<_> = packages.into_iter().collect();
    let order = graph.build_order(packages.iter().copied().filter_map(|name| graph.index().package(name.as_str())));
    waves::plan(graph, &order, world)
}

/// The key fields of a spec, given the results of all it builds on.
pub fn fields_of(graph: &Graph, spec: &PackageName, world: &dyn World, results: &Results) -> Fields {
    let Some(folder) = graph.spec(spec) else { return Fields::new() };
    let laid = laid_packages(graph, spec, results);
    let layers = world.layers(&folder.spec.sdk);
    let extra = world.extra_inputs(spec);
    key_fields(folder, &KeyInputs { layers: &layers, laid: &laid, extra: &extra })
}

impl Plan {
    /// Whether nothing is left to build.
    pub fn is_all_cached(&self) -> bool {
        self.steps.iter().all(|step| matches!(step.state, State::Cached { .. }))
    }

    /// How many specs are not cached.
    pub fn work(&self) -> usize {
        self.steps.iter().filter(|step| !matches!(step.state, State::Cached { .. })).count()
    }

    /// Estimated wall time in milliseconds on `cores` cores: the recorded durations shared among them. `None` where nothing was recorded.
    pub fn estimate_ms(&self, cores: usize) -> Option<u64> {
        let known: Vec<u64> =
            self.steps.iter().filter(|step| !matches!(step.state, State::Cached { .. })).filter_map(|step| step.estimate_ms).collect();
        let longest = known.iter().max()?;
        Some((known.iter().sum::<u64>() / cores.max(1) as u64).max(*longest))
    }
}

#[cfg(test)]
mod tests;
