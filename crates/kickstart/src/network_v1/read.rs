//! From a document of version 1 to a network, with the lines of what is wrong.

use super::{NetworkV1, Translation};
use crate::document::{Parsed, Problem, Problems, is_within};
use crate::{Network, network_dialect, networkd};

impl NetworkV1 {
    /// Reads a description: what of it can be used, and all that is wrong with it.
    pub fn read(parsed: Parsed) -> (Option<Network>, Option<Problems>) {
        let has_config = parsed.keys().contains(&"config");
        let (document, problems) = parsed.known::<Self>(network_dialect(), |_| Vec::new());
        let Some(document) = document else { return (None, problems) };
        let mut problems = problems.map(|problems| problems.problems).unwrap_or_default();
        if !has_config {
            problems.push(document.problem("", "version 1 has no `config`: nothing is set", None));
        }
        let before = problems.clone();
        let network = translated(&document.value, |path, message| {
            let problem = document.problem(path, message, None);
            problems.extend(Some(problem).filter(|problem| !is_explained(problem, &before)));
        });
        let problems = (!problems.is_empty()).then(|| document.problems(problems));
        (network, problems)
    }
}

/// The network in terms of version 2, without the parts that cannot be used. `complain` receives the path of each such part and the reason.
pub(super) fn translated(description: &NetworkV1, mut complain: impl FnMut(&str, String)) -> Option<Network> {
    let Translation { network, wrong, entries } = Translation::of(description);
    wrong.into_iter().for_each(|(path, message)| complain(&path, message));
    let entry_of = |path: &str| {
        let name = path.split_once('.').map_or("", |(_, name)| name);
        entries.iter().filter(|(known, _)| is_within(name, known)).max_by_key(|(known, _)| known.len())
    };
    without_wrong(network, |path, message| {
        let place = entry_of(path).map(|(_, index)| format!("config[{index}]")).unwrap_or_default();
        complain(&place, format!("{message}: the interface is left out"));
    })
}

/// Leaves out interfaces that make no sense in version 2.
fn without_wrong(mut network: Network, mut complain: impl FnMut(&str, &str)) -> Option<Network> {
    while let Some((path, message)) = networkd::complaints(&network).into_iter().next() {
        complain(&path, &message);
        if !network.leave_out(&path) {
            return None;
        }
    }
    Some(network)
}

/// Whether something is wrong only because a key beside it, or it itself, was not understood.
fn is_explained(problem: &Problem, others: &[Problem]) -> bool {
    let Some((table, key)) = problem.path.rsplit_once('.') else { return false };
    let slip = format!("did you mean `{key}`?");
    others.iter().any(|other| {
        let is_beside = other.path.rsplit_once('.').is_some_and(|(of, _)| of == table);
        is_within(&other.path, &problem.path) || is_beside && other.hint.as_ref() == Some(&slip)
    })
}
