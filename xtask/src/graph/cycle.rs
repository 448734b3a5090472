//! Builds that need themselves.

use std::collections::BTreeMap;

use super::Graph;
use crate::diagnostic::Problem;
use crate::name::PackageName;
use crate::project::quoted_place;

#[derive(Clone, Copy, PartialEq)]
enum State {
    OnPath,
    Done,
}

/// A problem naming one cycle of builds, if there is any.
pub(super) fn find(graph: &Graph) -> Option<Problem> {
    let mut state: BTreeMap<&PackageName, State> = BTreeMap::new();
    for (root, _) in graph.specs() {
        let mut path: Vec<(&PackageName, Vec<&PackageName>)> = Vec::new();
        if !state.contains_key(root) {
            state.insert(root, State::OnPath);
            path.push((root, graph.build_edges(root).into_iter().collect()));
        }
        while let Some((spec, edges)) = path.last_mut() {
            let Some(next) = edges.pop() else {
                state.insert(spec, State::Done);
                path.pop();
                continue;
            };
            match state.get(next) {
                Some(State::Done) => {}
                Some(State::OnPath) => {
                    let start = path.iter().position(|(spec, _)| *spec == next).unwrap_or(0);
                    let cycle: Vec<_> = path[start..].iter().map(|(spec, _)| *spec).collect();
                    return Some(describe(graph, &cycle));
                }
                None => {
                    state.insert(next, State::OnPath);
                    path.push((next, graph.build_edges(next).into_iter().collect()));
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
        .hint("break the circle: split a package, or build one of them without the other first")
}
