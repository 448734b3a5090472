//! From a document of version 1 to a network, with the lines of what is wrong.

use serde_json::Value as Json;

use super::NetworkV1;
use super::translate::Translation;
use crate::document::{Complaint, Entry, Node, Parsed, Place, Problem, Problems, Value, is_within};
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
        // A route's destination has two names.
        let spelt = |path: &str| match path.strip_suffix(".destination").map(|route| format!("{route}.network")) {
            Some(other) if document.at(path).is_none() && document.at(&other).is_some() => document.spelt(&other),
            _ => document.spelt(path),
        };
        let (network, more) = translated(&document.value, &spelt);
        let before = problems.clone();
        problems.extend(more.into_iter().filter(|problem| !is_explained(problem, &before)));
        let problems = (!problems.is_empty()).then(|| document.problems(problems));
        (network, problems)
    }
}

/// The network in terms of version 2, without the parts that cannot be used, and what is wrong with them. `nearest` gives the part of the
/// document, and its place, that a path of version 1 is of.
pub(super) fn translated(description: &NetworkV1, nearest: &dyn Fn(&str) -> (String, Place)) -> (Option<Network>, Vec<Problem>) {
    let Translation { network, mut wrong, mut origins, parameters } = Translation::of(description);
    let Ok(mut json) = serde_json::to_value(&network) else { return (None, Vec::new()) };
    for (to, parameters) in parameters {
        let from = origins.of(&to).to_owned();
        let Some((table, name)) = to.split_once('.') else { continue };
        if let Some(interface) = json.get_mut(table).and_then(|table| table.get_mut(name)) {
            wrong.extend(parameters.set(interface, &to, &from, &mut origins));
        }
    }
    let node = node(&json, "", &|path| nearest(origins.of(path)).1);
    // Problems are reported under version 1's own key names.
    let (document, problems) = Parsed::of_node("", node).known::<Network>(network_dialect(), networkd::complaints);
    let told = problems.into_iter().flat_map(|problems| problems.problems);
    let told = told.map(|problem| Problem { path: nearest(origins.of(&problem.path)).0, ..problem });
    let own = wrong.into_iter().map(|Complaint { path, message, lost: _ }| {
        let (path, place) = nearest(&path);
        Problem { path, place, message, hint: None }
    });
    (document.map(|document| document.value), own.chain(told).collect())
}

/// A tree of what serde made of a network.
fn node(json: &Json, path: &str, place: &dyn Fn(&str) -> Place) -> Node {
    let value = match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => number.as_i64().map_or(Value::Null, Value::Integer),
        Json::String(text) => Value::String(text.clone()),
        Json::Array(items) => {
            Value::List(items.iter().enumerate().map(|(index, item)| node(item, &format!("{path}[{index}]"), place)).collect())
        }
        Json::Object(entries) => {
            let entry = |(key, item): (&String, &Json)| {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                Entry { key: key.clone(), place: place(&path), node: node(item, &path, place) }
            };
            Value::Map(entries.iter().map(entry).collect())
        }
    };
    Node::new(value, place(path))
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
