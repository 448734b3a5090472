//! Random systems, most of them broken, and random requests: nothing panics, and nothing is broken that was not.

use std::collections::BTreeSet;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use super::*;
use crate::solver::problems;
use crate::solver::tests::package;

const NAMES: usize = 7;

fn fact() -> impl Strategy<Value = String> {
    let name = (0..NAMES).prop_map(|number| format!("p{number}"));
    let wanted = (name.clone(), name.clone(), 0..6usize).prop_map(|(a, b, form)| match form {
        0 => format!("{a} >= 2"),
        1 => format!("{a} < 3"),
        2 => format!("({a} or {b})"),
        3 => format!("({a} if {b})"),
        4 => "virtual".to_owned(),
        _ => a,
    });
    let obsoleted = name.prop_map(|name| format!("{name} < 2"));
    prop_oneof![
        6 => wanted.clone().prop_map(|wanted| format!("requires: {wanted}")),
        2 => wanted.clone().prop_map(|wanted| format!("conflicts: {wanted}")),
        2 => obsoleted.prop_map(|obsoleted| format!("obsoletes: {obsoleted}")),
        2 => wanted.prop_map(|wanted| format!("recommends: {wanted}")),
        2 => Just("provides: virtual".to_owned()),
        1 => Just("requires: nobody-has-this".to_owned()),
    ]
}

fn some_package() -> impl Strategy<Value = Package> {
    let arch = prop_oneof![6 => Just("x86_64"), 4 => Just("noarch"), 2 => Just("i686"), 1 => Just("(none)")];
    (0..NAMES, 1..4usize, arch, vec(fact(), 0..3)).prop_map(|(name, version, arch, facts)| {
        let arch = format!("arch: {arch}");
        let lines: Vec<&str> = facts.iter().map(String::as_str).chain([arch.as_str()]).collect();
        package(&format!("p{name}-{version}"), &lines)
    })
}

/// A system, any of whose packages may be installed whether or not they fit, and what is asked of it.
fn asked() -> impl Strategy<Value = (Vec<Package>, BTreeSet<usize>, BTreeSet<usize>, Goal)> {
    (vec(some_package(), 2..14), any::<[bool; 3]>()).prop_flat_map(|(packages, [allow_erasing, skip_broken, best])| {
        let some = || btree_set(0..packages.len(), 0..packages.len());
        (Just(packages.clone()), some(), btree_set(0..packages.len(), 0..2), some(), some()).prop_map(
            move |(packages, installed, separate, targets, update)| {
                let target = |index: usize| Target { label: index.to_string(), any_of: vec![index], need: Need::IfItFits };
                let targets = targets.difference(&installed).take(2).map(|index| target(*index)).collect();
                let update = update.intersection(&installed).copied().collect();
                (packages, installed, separate, Goal { targets, update, allow_erasing, skip_broken, best, weak: true, ..Goal::default() })
            },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_broken_that_was_not((packages, installed, separate, goal) in asked()) {
        let situation = Situation { packages: &packages, installed: &installed, separate: &separate, arch: "x86_64", standing: &[] };
        if let Ok(outcome) = change(situation, &goal) {
            let before: BTreeSet<String> = problems(&packages, &installed, "x86_64").into_iter().collect();
            let new: Vec<String> = problems(&packages, &outcome.there, "x86_64").into_iter().filter(|one| !before.contains(one)).collect();
            prop_assert!(new.is_empty(), "{:?} of {:?}", new, outcome);
            let foreign = |index: &&usize| !matches!(packages[**index].nevra.arch.as_str(), "x86_64" | "noarch");
            prop_assert_eq!(outcome.there.difference(&installed).filter(foreign).count(), 0);
        }
    }

    #[test]
    fn what_needs_nothing_is_always_installed((mut packages, installed, separate, _) in asked()) {
        packages.push(package("free-1", &[]));
        let free = packages.len() - 1;
        let goal = Goal { targets: vec![Target { label: "free".into(), any_of: vec![free], need: Need::Must }], ..Goal::default() };
        let situation = Situation { packages: &packages, installed: &installed, separate: &separate, arch: "x86_64", standing: &[] };
        let mut expected = installed.clone();
        expected.insert(free);
        prop_assert_eq!(change(situation, &goal).map(|outcome| outcome.there), Ok(expected));
    }
}
