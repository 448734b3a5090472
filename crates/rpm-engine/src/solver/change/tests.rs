use std::collections::BTreeSet;

use super::*;
use crate::solver::tests::package;

/// Packages with `+` before them are installed, `*` marks those that may be there in several versions.
fn world(lines: &[(&str, &[&str])]) -> (Vec<Package>, BTreeSet<usize>, BTreeSet<usize>) {
    let marked = |mark: char| (0..lines.len()).filter(|at| lines[*at].0.contains(mark)).collect();
    let packages = lines.iter().map(|(id, facts)| package(id.trim_start_matches(['+', '*']), facts)).collect();
    (packages, marked('+'), marked('*'))
}

fn shown(packages: &[Package], outcome: Result<Outcome, SolveError>) -> String {
    match outcome {
        Ok(outcome) => {
            let name = |index: &usize| format!("{}-{}", packages[*index].nevra.name, packages[*index].nevra.evr.version);
            let mut names: Vec<String> = outcome.there.iter().map(name).collect();
            names.sort();
            names.extend(outcome.skipped.iter().map(|label| format!("!{label}")));
            names.join(" ")
        }
        Err(error) => format!("refused: {}", error.to_string().lines().next().unwrap_or_default()),
    }
}

const WORLD: &[(&str, &[&str])] = &[
    ("+app-1", &["requires: lib = 1-1"]),
    ("app-2", &["requires: lib = 2-1"]),
    ("app-3", &["requires: lib = 3-1"]),
    ("+lib-1", &[]),
    ("lib-2", &[]),
    ("+old-1", &[]),
    ("heir-1", &["obsoletes: old < 2"]),
    ("+*kernel-1", &[]),
    ("*kernel-2", &[]),
    ("new-1", &["requires: lib >= 1", "recommends: extra"]),
    ("needs-2-1", &["requires: lib >= 2"]),
    ("extra-1", &[]),
    ("rival-1", &["conflicts: sh"]),
    ("broken-1", &["requires: nothing"]),
    ("+sh-1", &["provides: shell"]),
    ("bash-1", &["provides: shell"]),
    ("script-1", &["requires: shell"]),
];

fn target(names: &[&str]) -> Vec<Target> {
    let (packages, ..) = world(WORLD);
    let called = |name: &str| (0..packages.len()).filter(|at| packages[*at].nevra.name == name).collect::<Vec<_>>();
    names.iter().map(|name| Target { label: (*name).to_owned(), any_of: called(name) }).collect()
}

#[test]
fn what_is_there_afterwards() {
    const BASE: &str = "app-1 kernel-1 lib-1 old-1 sh-1";
    let (packages, installed, separate) = world(WORLD);
    let at = |name: &str| installed.iter().copied().find(|at| packages[*at].nevra.name == name).unwrap();
    let goal = |names: &[&str]| Goal { targets: target(names), ..Goal::default() };
    let update = |names: &[&str]| Goal { update: names.iter().map(|name| at(name)).collect(), ..Goal::default() };
    let table = [
        ("nothing changes", goal(&[]), BASE.to_owned()),
        ("what is there stays", goal(&["new"]), "app-1 kernel-1 lib-1 new-1 old-1 sh-1".into()),
        ("weak", Goal { weak: true, ..goal(&["new"]) }, "app-1 extra-1 kernel-1 lib-1 new-1 old-1 sh-1".into()),
        ("the installed provider is enough", goal(&["script"]), "app-1 kernel-1 lib-1 old-1 script-1 sh-1".into()),
        ("others are updated where they must", goal(&["needs-2"]), "app-2 kernel-1 lib-2 needs-2-1 old-1 sh-1".into()),
        ("beside each other", goal(&["kernel"]), BASE.into()),
        ("an heir asked for", goal(&["heir"]), "app-1 heir-1 kernel-1 lib-1 sh-1".into()),
        ("not without leave", goal(&["rival"]), "refused: the requested packages cannot be installed together:".into()),
        ("with leave", Goal { allow_erasing: true, ..goal(&["rival"]) }, "app-1 kernel-1 lib-1 old-1 rival-1".into()),
        ("broken", goal(&["broken", "new"]), "refused: the requested packages cannot be installed together:".into()),
        ("skipped", Goal { skip_broken: true, ..goal(&["broken", "new"]) }, "app-1 kernel-1 lib-1 new-1 old-1 sh-1 !broken".into()),
        ("all updates", update(&["app", "lib", "old", "sh"]), "app-2 heir-1 kernel-1 lib-2 sh-1".into()),
        ("one update and what it needs", update(&["app"]), "app-2 kernel-1 lib-2 old-1 sh-1".into()),
        (
            "only the newest",
            Goal { best: true, ..update(&["app"]) },
            "refused: the requested packages cannot be installed together:".into(),
        ),
        ("erased", Goal { erase: [at("sh")].into(), ..Goal::default() }, "app-1 kernel-1 lib-1 old-1".into()),
    ];
    for (case, goal, expected) in table {
        let situation = Situation { packages: &packages, installed: &installed, separate: &separate, arch: "x86_64" };
        assert_eq!(shown(&packages, change(situation, &goal)), expected, "{case}");
    }
    let both = Goal { targets: vec![Target { label: "kernel".into(), any_of: vec![8] }], ..Goal::default() };
    let situation = Situation { packages: &packages, installed: &installed, separate: &separate, arch: "x86_64" };
    assert_eq!(shown(&packages, change(situation, &both)), "app-1 kernel-1 kernel-2 lib-1 old-1 sh-1");
}
