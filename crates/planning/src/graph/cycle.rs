//! Detects builds that need themselves.

use super::Graph;
use crate::project::quoted_place;
use base::diagnostic::Problem;
use base::name::PackageName;

#[derive(Clone, Copy)]
enum State {
    OnPath,
    Done,
}

/// A problem with one cycle of builds, if there is any.
pub(super) fn find(graph: &Graph) -> Option<Problem> {
    let mut state: Vec<Option<State>> = vec![None; graph.specs.len()];
    for root in 0..graph.specs.len() {
        let mut path: Vec<(usize, Vec<usize>)> = Vec::new();
        if state[root].is_none() {
            state[root] = Some(State::OnPath);
            path.push((root, graph.edges(root).to_vec()));
        }
        while let Some((spec, edges)) = path.last_mut() {
            let Some(next) = edges.pop() else {
                state[*spec] = Some(State::Done);
                path.pop();
                continue;
            };
            match state[next] {
                Some(State::Done) => {}
                Some(State::OnPath) => {
                    let start = path.iter().position(|(spec, _)| *spec == next).unwrap_or(0);
                    let cycle: Vec<_> = path[start..].iter().map(|(spec, _)| graph.indexed.specs.name(*spec)).collect();
                    return Some(describe(graph, &cycle));
                }
                None => {
                    state[next] = Some(State::OnPath);
                    path.push((next, graph.edges(next).to_vec()));
                }
            }
        }
    }
    None
}

fn describe(graph: &Graph, cycle: &[&PackageName]) -> Problem {
    let mut names: Vec<_> = cycle.iter().map(|name| name.as_str()).collect();
    names.push(names[0]);
    let folder = graph.spec(cycle[0]).expect("a spec on a path is a spec of the graph");
    let next = cycle.get(1).unwrap_or(&cycle[0]);
    let place = folder
        .spec
        .build_requires
        .iter()
        .find(|wanted| graph.index().package(wanted.as_str()).and_then(|it| graph.index().owner(it)) == Some(*next));
    let span = place.map_or(0..0, |wanted| quoted_place(&folder.source, wanted.as_str()));
    Problem::new(&folder.source, span, format!("these builds need each other: {}", names.join(" → ")))
        .hint("break the cycle: split a package, or first build one of them without the other")
}
