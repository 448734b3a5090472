//! Which of the results that are not in the store a plan needs: those of its goal, and what is laid into the sandboxes of what will be built.

use super::levels::Planner;
use super::{Goal, State};
use crate::action::PackagePool;
use crate::graph::SpecSet;
use base::name::PackageName;

/// Decides about everything that is not in the store but known, by the states of the forward pass: what is needed is taken from a cache that
/// has it, else built, and then its own inputs are needed; the rest is unused.
pub(super) fn settle(planner: &Planner<'_>, pool: &PackagePool<'_>, goal: Goal<'_>, states: &mut [State]) {
    if !states.iter().any(is_absent) {
        return;
    }
    let mut needed = vec![false; states.len()];
    let mut waiting = of_goal(planner, goal);
    let builds: Vec<usize> = (0..states.len()).filter(|place| matches!(states[*place], State::Build { .. })).collect();
    waiting.extend(builds.into_iter().flat_map(|place| inputs(planner, pool, place)));
    while !waiting.is_empty() {
        let mut asked = Vec::new();
        for place in std::mem::take(&mut waiting) {
            if !std::mem::replace(&mut needed[place], true) && matches!(states[place], State::Unused { .. }) {
                asked.push(place);
            }
        }
        planner.look_up_shared(&asked, states);
        for place in asked {
            if let State::Unused { key } = states[place] {
                states[place] = State::Build { key };
                waiting.extend(inputs(planner, pool, place));
            }
        }
    }
    let welcome = welcome(planner, states);
    let asked: Vec<usize> = (0..states.len()).filter(|place| welcome[*place] && matches!(states[*place], State::Unused { .. })).collect();
    planner.look_up_shared(&asked, states);
    for (place, state) in states.iter_mut().enumerate() {
        if let State::Shared { key, .. } = *state
            && !needed[place]
            && !welcome[place]
        {
            *state = State::Unused { key };
        }
    }
}

/// Whether something is known but not in the store.
fn is_absent(state: &State) -> bool {
    match state {
        State::Shared { .. } | State::Unused { .. } => true,
        State::Cached { .. } | State::Build { .. } | State::Unknown => false,
    }
}

fn of_goal(planner: &Planner<'_>, goal: Goal<'_>) -> Vec<usize> {
    let place = |spec: &PackageName| planner.graph.number(spec).map(|number| planner.place(number));
    let specs = goal.specs(planner.graph, planner.order, |spec| planner.known[place(spec)?].result.get());
    specs.into_iter().filter_map(place).collect()
}

/// The positions of the specs whose packages are in the sandbox of the one at `place`.
fn inputs(planner: &Planner<'_>, pool: &PackagePool<'_>, place: usize) -> Vec<usize> {
    let Some(reach) = planner.known[place].reach.get() else { return Vec::new() };
    let packages = pool.inputs(planner.graph, planner.order[place], reach);
    let owner = |name| planner.graph.number(planner.graph.index().owner(name)?);
    packages.into_iter().filter_map(|package| Some(planner.place(owner(&package.name)?))).collect()
}

/// What builds may need that are not certain yet. It is taken where a cache has it, because it could be fetched only after all that is
/// certain is built; but it is not built for them.
fn welcome(planner: &Planner<'_>, states: &[State]) -> Vec<bool> {
    let mut reach = SpecSet::default();
    let unknown = states.iter().zip(planner.known).filter(|(state, _)| matches!(state, State::Unknown));
    unknown.filter_map(|(_, known)| known.reach.get()).for_each(|further| reach.extend(further));
    let mut welcome = vec![false; states.len()];
    reach.iter().for_each(|number| welcome[planner.place(number)] = true);
    welcome
}

#[cfg(test)]
mod tests;
