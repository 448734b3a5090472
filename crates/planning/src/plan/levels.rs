//! Plans by levels: specs whose inputs are all known are looked up in parallel.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::OnceLock;

use rayon::prelude::*;

use super::{Basis, Estimate, Goal, Plan, Shared, State, Step, World, needed};
use crate::action::{BuildResult, KeyInputs, PackagePool, Results, key_fields, key_of};
use crate::graph::{Graph, SpecSet};
use base::digest::Digest;
use base::name::PackageName;

/// Plans specs, which must be in build order.
pub(super) fn plan(graph: &Graph, order: &[&PackageName], goal: Goal<'_>, world: &dyn World) -> (Plan, Results) {
    let known: Vec<Known> = order.iter().map(|_| Known::default()).collect();
    let planner = Planner::new(graph, order, world, &known);
    let mut states = vec![State::Unknown; order.len()];
    let mut pool = PackagePool::default();
    for level in planner.levels() {
        let found: Vec<State> = level.par_iter().map(|place| planner.look_up(*place, &pool)).collect();
        level.iter().zip(found).for_each(|(place, state)| states[*place] = state);
        let missing: Vec<usize> = level.iter().copied().filter(|place| matches!(states[*place], State::Build { .. })).collect();
        planner.look_up_shared(&missing, &mut states);
        level.iter().filter_map(|place| known[*place].result.get()).for_each(|result| pool.put(graph, result));
    }
    needed::settle(&planner, &pool, goal, &mut states);
    let step = |(spec, state, known): (&&PackageName, State, &Known)| {
        // What was taken from a cache does not show how long this machine would take.
        let result = known.result.get().filter(|result| result.shared.is_none()).map(|result| last_build(result.elapsed_ms, result.cpu_ms));
        let last = || world.record(spec).map(|record| last_build(record.elapsed_ms, record.cpu_ms));
        Step { spec: (*spec).clone(), state, estimate: result.or_else(last).or_else(|| world.expected(spec)) }
    };
    let steps = order.iter().zip(states).zip(&known).map(|((spec, state), known)| step((spec, state, known))).collect();
    drop(pool);
    let results =
        known.into_iter().filter_map(|known| known.result.into_inner()).map(|result| (result.spec.clone(), Arc::new(result))).collect();
    (Plan { steps }, results)
}

/// Records of earlier builders lack the processor time; the wall time is used instead.
fn last_build(elapsed_ms: u64, cpu_ms: u64) -> Estimate {
    Estimate { elapsed_ms, cpu_ms: if cpu_ms == 0 { elapsed_ms } else { cpu_ms }, basis: Basis::LastBuild }
}

/// What is known of a spec; each part is set once.
#[derive(Default)]
pub(super) struct Known {
    /// All specs that its build needs.
    pub reach: OnceLock<SpecSet>,
    /// Its result, if it is cached, shared or only known.
    pub result: OnceLock<BuildResult>,
}

pub(super) struct Planner<'a> {
    pub graph: &'a Graph,
    pub order: &'a [&'a PackageName],
    /// The numbers of the specs in the order.
    numbers: Vec<usize>,
    /// Number of a spec → its position in the order; zero for specs that are not in it, which nothing in it needs.
    places: Vec<usize>,
    world: &'a dyn World,
    /// Layers by the layers that a spec requests beyond the base.
    layers: BTreeMap<&'a [String], Vec<(String, Digest)>>,
    pub known: &'a [Known],
}

impl<'a> Planner<'a> {
    fn new(graph: &'a Graph, order: &'a [&'a PackageName], world: &'a dyn World, known: &'a [Known]) -> Self {
        let mut layers: BTreeMap<&[String], _> = BTreeMap::new();
        for folder in order.iter().filter_map(|spec| graph.spec(spec)) {
            layers.entry(&*folder.spec.sdk).or_insert_with(|| world.layers(&folder.spec.sdk));
        }
        let numbers: Vec<usize> = order.iter().filter_map(|spec| graph.number(spec)).collect();
        let mut places = vec![0; numbers.iter().max().map_or(0, |last| last + 1)];
        for (place, number) in numbers.iter().enumerate() {
            places[*number] = place;
        }
        Self { graph, order, numbers, places, world, layers, known }
    }

    /// The position of a spec of the order, by its number.
    pub fn place(&self, number: usize) -> usize {
        self.places[number]
    }

    /// Positions of the specs that a spec builds on.
    fn needs(&self, place: usize) -> impl Iterator<Item = usize> {
        self.graph.edges(self.numbers[place]).iter().map(|number| self.places[*number])
    }

    /// Positions by the length of their longest dependency chain.
    fn levels(&self) -> Vec<Vec<usize>> {
        let mut heights: Vec<usize> = Vec::with_capacity(self.order.len());
        let mut levels: Vec<Vec<usize>> = Vec::new();
        for place in 0..self.order.len() {
            let height = self.needs(place).map(|need| heights[need] + 1).max().unwrap_or(0);
            heights.push(height);
            if levels.len() <= height {
                levels.resize(height + 1, Vec::new());
            }
            levels[height].push(place);
        }
        levels
    }

    /// Computes the key of a spec, if the results of all its inputs are known, and looks up its result.
    fn look_up(&self, place: usize, pool: &PackagePool<'_>) -> State {
        let (spec, known) = (self.order[place], &self.known[place]);
        let reach = known.reach.get_or_init(|| self.reach(place));
        let Some(folder) = self.graph.spec(spec).filter(|_| self.needs(place).all(|need| self.known[need].result.get().is_some())) else {
            return State::Unknown;
        };
        let packages = pool.inputs(self.graph, spec, reach);
        let extra = self.world.extra_inputs(spec);
        let layers = &self.layers[&*folder.spec.sdk];
        let key = key_of(&key_fields(folder, &KeyInputs { layers, packages: &packages, extra: &extra }));
        let whole = self.world.result(spec, &key).map(|result| (result, State::Cached { key }));
        match whole.or_else(|| self.world.known(spec, &key).map(|result| (result, State::Unused { key }))) {
            Some((result, state)) => {
                known.result.get_or_init(|| result);
                state
            }
            None => State::Build { key },
        }
    }

    /// Looks up missing results in caches: many at once, because each request crosses a network.
    pub fn look_up_shared(&self, places: &[usize], states: &mut [State]) {
        let wanted: Vec<(&PackageName, Digest)> =
            places.iter().filter_map(|place| Some((self.order[*place], *states[*place].key()?))).collect();
        if wanted.is_empty() {
            return;
        }
        for ((place, (_, key)), shared) in places.iter().zip(&wanted).zip(self.world.shared(&wanted)) {
            if let Some(Shared { result, bytes, cache }) = shared {
                self.known[*place].result.get_or_init(|| result);
                states[*place] = State::Shared { key: *key, bytes, cache };
            }
        }
    }

    fn reach(&self, place: usize) -> SpecSet {
        let mut reach = SpecSet::default();
        for need in self.needs(place) {
            reach.insert(self.numbers[need]);
            if let Some(further) = self.known[need].reach.get() {
                reach.extend(further);
            }
        }
        reach
    }
}
