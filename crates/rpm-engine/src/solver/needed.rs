//! Which packages nobody needs any more, and what goes with what is removed.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};

use crate::dependency::{Capability, Dependency, Rich};
use crate::package::{Package, Provided};

/// For each of `packages`, those of them that provide what it requires; itself left out.
pub fn needs(packages: &[Package]) -> Vec<BTreeSet<usize>> {
    let providers = Provided::of(packages.iter().enumerate());
    let of = |(index, package): (usize, &Package)| -> BTreeSet<usize> {
        let found = package.requires.iter().flat_map(asked).flat_map(|capability| providers.by(capability).collect::<Vec<_>>());
        found.filter(|provider| *provider != index).collect()
    };
    packages.iter().enumerate().map(of).collect()
}

fn of<'a>(packages: &'a [Package], there: &BTreeSet<usize>) -> Provided<'a> {
    Provided::of(there.iter().map(|index| (*index, &packages[*index])))
}

/// Of the packages `there`, those that others of them require.
pub fn required(packages: &[Package], there: &BTreeSet<usize>) -> BTreeSet<usize> {
    let providers = of(packages, there);
    // Who asks for what: a package, or several. More of them change nothing.
    let mut asked_by: HashMap<String, Option<usize>> = HashMap::new();
    let mut required = BTreeSet::new();
    for index in there {
        for capability in packages[*index].requires.iter().flat_map(asked) {
            match asked_by.entry(capability.to_string()) {
                Entry::Vacant(entry) => drop(entry.insert(Some(*index))),
                Entry::Occupied(entry) if entry.get().is_none_or(|known| known == *index) => continue,
                Entry::Occupied(mut entry) => drop(entry.insert(None)),
            }
            required.extend(providers.by(capability).filter(|provider| provider != index));
        }
    }
    required
}

/// Of the packages `there`, those that neither are `wanted` nor required, recommended or supplemented by way of what is, nor keep that from
/// conflicting.
pub fn unneeded(packages: &[Package], there: &BTreeSet<usize>, wanted: &BTreeSet<usize>) -> BTreeSet<usize> {
    let providers = of(packages, there);
    // What is there counts, whatever machine it is made for.
    let universe = super::Universe::new(packages, there, "", &[]);
    let mut seen = HashSet::new();
    let mut needed: BTreeSet<usize> = wanted & there;
    let mut queue: Vec<usize> = needed.iter().copied().collect();
    loop {
        while let Some(index) = queue.pop() {
            let package = &packages[index];
            let asked = package.requires.iter().chain(&package.recommends).flat_map(asked);
            for capability in asked.filter(|capability| seen.insert(capability.to_string())) {
                queue.extend(providers.by(capability).filter(|provider| needed.insert(*provider)));
            }
        }
        let supplements = |index: &usize| packages[*index].supplements.iter().any(|wish| universe.holds(wish, &needed));
        queue = there.difference(&needed).filter(|index| supplements(index)).copied().collect();
        // What keeps needed packages from conflicting is needed, too.
        let conflicting = needed.iter().filter(|index| universe.newly_conflicts(**index, &needed, there));
        let conditions = conflicting.flat_map(|index| &packages[*index].conflicts).flat_map(tested);
        queue.extend(conditions.flat_map(|condition| providers.by(condition)).filter(|provider| !needed.contains(provider)));
        if queue.is_empty() {
            return there - &needed;
        }
        needed.extend(&queue);
    }
}

/// `gone` and, of the packages `there`, those that require what is then provided by nobody, or that then conflict with others, and so on.
pub fn with_dependents(packages: &[Package], there: &BTreeSet<usize>, gone: &BTreeSet<usize>, arch: &str) -> BTreeSet<usize> {
    let universe = super::Universe::new(packages, there, arch, &[]);
    let requirers = requirers(packages, there);
    let (mut gone, mut left, mut new) = (gone.clone(), there - gone, gone.clone());
    let mut suspects = BTreeSet::new();
    while !new.is_empty() {
        let names = new.iter().flat_map(|index| names(&packages[*index]));
        let affected: BTreeSet<usize> = names.filter_map(|name| requirers.get(name)).flatten().copied().collect();
        // What did not hold before is no reason to remove anything.
        let breaks = |dependency: &Dependency| !universe.holds(dependency, &left) && universe.holds(dependency, there);
        new = affected.iter().copied().filter(|index| left.contains(index) && packages[*index].requires.iter().any(breaks)).collect();
        suspects.extend(affected);
        if new.is_empty() {
            // One after the other: what conflicts with one that goes may stay.
            new = suspects
                .iter()
                .copied()
                .find(|index| left.contains(index) && universe.newly_conflicts(*index, &left, there))
                .into_iter()
                .collect();
        }
        left = &left - &new;
        gone.extend(&new);
    }
    gone
}

/// The names that a package provides, and its paths.
fn names(package: &Package) -> impl Iterator<Item = &str> {
    package.provides.iter().map(|provided| provided.name.as_str()).chain(package.paths.iter().map(String::as_str))
}

/// For each name the packages whose requirements and conditional conflicts speak of it, be it as a condition.
fn requirers<'a>(packages: &'a [Package], there: &BTreeSet<usize>) -> HashMap<&'a str, BTreeSet<usize>> {
    let mut requirers: HashMap<&str, BTreeSet<usize>> = HashMap::new();
    for index in there {
        for dependency in &packages[*index].requires {
            match dependency {
                Dependency::Simple(capability) => drop(requirers.entry(&capability.name).or_default().insert(*index)),
                Dependency::Rich(rich) => speaks_of(&mut requirers, rich, *index),
            }
        }
        for conflict in &packages[*index].conflicts {
            match conflict {
                Dependency::Simple(_) => {}
                Dependency::Rich(rich) => speaks_of(&mut requirers, rich, *index),
            }
        }
    }
    requirers
}

fn speaks_of<'a>(requirers: &mut HashMap<&'a str, BTreeSet<usize>>, rich: &'a Rich, index: usize) {
    for (capability, _) in rich.leaves() {
        requirers.entry(&capability.name).or_default().insert(index);
    }
}

/// What the packages `there` require and nobody provides, and what they conflict with: each with the package.
pub fn problems(packages: &[Package], there: &BTreeSet<usize>, arch: &str) -> Vec<String> {
    let universe = super::Universe::new(packages, there, arch, &[]);
    let mut problems = Vec::new();
    for index in there {
        let package = &packages[*index];
        for required in package.requires.iter().filter(|required| !universe.holds(required, there)) {
            problems.push(format!("{} requires {required}, which no installed package provides", package.nevra));
        }
        let others: BTreeSet<usize> = there.iter().copied().filter(|other| other != index).collect();
        for conflict in package.conflicts.iter().filter(|conflict| universe.holds(conflict, &others)) {
            problems.push(format!("{} conflicts with {conflict}, which is installed", package.nevra));
        }
        for obsoleted in &package.obsoletes {
            for other in others.iter().filter(|other| packages[**other].is_named(obsoleted)) {
                problems.push(format!("{} obsoletes {}, which is installed", package.nevra, packages[*other].nevra));
            }
        }
    }
    problems
}

/// The capabilities a dependency asks for.
fn asked(dependency: &Dependency) -> Vec<&Capability> {
    match dependency {
        Dependency::Simple(capability) => vec![capability],
        Dependency::Rich(rich) => rich.leaves().into_iter().filter(|(_, tested)| !tested).map(|(capability, _)| capability).collect(),
    }
}

/// The capabilities that a dependency is conditional on.
fn tested(dependency: &Dependency) -> Vec<&Capability> {
    match dependency {
        Dependency::Simple(_) => Vec::new(),
        Dependency::Rich(rich) => rich.leaves().into_iter().filter(|(_, tested)| *tested).map(|(capability, _)| capability).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::solver::tests::package;

    #[test]
    fn what_is_left_and_what_goes() {
        let packages = [
            package("app-1", &["requires: lib, (shell or busybox)", "recommends: doc"]),
            package("lib-1", &["requires: base"]),
            package("base-1", &[]),
            package("doc-1", &[]),
            package("shell-1", &[]),
            package("lang-1", &["supplements: app"]),
            package("stray-1", &["requires: base"]),
            package("odd-1", &["requires: missing"]),
        ];
        let expected: [&[usize]; 8] = [&[1, 4], &[2], &[], &[], &[], &[], &[2], &[]];
        assert_eq!(needs(&packages), expected.map(|needed| needed.iter().copied().collect::<BTreeSet<_>>()));
        let all: BTreeSet<usize> = (0..packages.len()).collect();
        let names = |set: BTreeSet<usize>| set.iter().map(|index| packages[*index].nevra.name.clone()).collect::<Vec<_>>().join(" ");
        assert_eq!(names(unneeded(&packages, &all, &[0].into())), "stray odd");
        assert_eq!(names(unneeded(&packages, &all, &[6].into())), "app lib doc shell lang odd");
        let supplements = |text: &str| [package("a-1", &[]), package("b-1", &[]), package("both-1", &[&format!("supplements: {text}")])];
        for (text, wanted, expected) in
            [("(a and b)", &[0, 1][..], true), ("(a and b)", &[0], false), ("(a or b)", &[0], true), ("(a if b)", &[1], false)]
        {
            let unneeded = unneeded(&supplements(text), &[0, 1, 2].into(), &wanted.iter().copied().collect());
            assert_eq!(!unneeded.contains(&2), expected, "{text} {wanted:?}");
        }
        assert_eq!(names(required(&packages, &all)), "lib base shell");
        assert_eq!(names(with_dependents(&packages, &all, &[2].into(), "x86_64")), "app lib base stray");
        assert_eq!(names(with_dependents(&packages, &all, &[4].into(), "x86_64")), "app shell");
        assert_eq!(names(with_dependents(&packages, &all, &[3].into(), "x86_64")), "doc");
        assert_eq!(problems(&packages, &all, "x86_64"), ["odd-1-1.x86_64 requires missing, which no installed package provides"]);
    }

    /// Where what a conflict is conditional on goes, the package goes that has the conflict; where only nobody asked for that, it stays.
    #[test]
    fn conflicts_with_a_condition() {
        let packages = [
            package("bad-1", &[]),
            package("fix-1", &["requires: base"]),
            package("base-1", &[]),
            package("picky-1", &["conflicts: (bad unless fix)"]),
            package("user-1", &["requires: picky"]),
            package("other-1", &["conflicts: (user unless base)"]),
            package("broken-1", &["conflicts: (bad unless nothing)"]),
        ];
        let all: BTreeSet<usize> = (0..packages.len()).collect();
        let names = |set: BTreeSet<usize>| set.iter().map(|index| packages[*index].nevra.name.clone()).collect::<Vec<_>>().join(" ");
        for (gone, expected) in [(1, "fix picky user"), (2, "fix base picky user"), (0, "bad")] {
            assert_eq!(names(with_dependents(&packages, &all, &[gone].into(), "x86_64")), expected);
        }
        for (wanted, expected) in
            [(&[0, 3][..], "user other broken"), (&[3], "bad fix base user other broken"), (&[0, 6], "fix base picky user other")]
        {
            assert_eq!(names(unneeded(&packages, &all, &wanted.iter().copied().collect())), expected, "{wanted:?}");
        }
    }

    /// Thousands of names of one package, and chains of thousands of packages, take no longer than they must: each list is walked once. What
    /// compares all with all takes minutes here.
    #[test]
    fn many_names_and_long_chains() {
        const MANY: usize = 10_000;
        let names = |word: &str| (0..MANY).map(|number| format!("c{number}")).collect::<Vec<_>>().join(", ").replace('c', word);
        let packages =
            [package("big-1", &[&format!("requires: {}", names("c"))]), package("lib-1", &[&format!("provides: {}", names("c"))])];
        let both: BTreeSet<usize> = [0, 1].into();
        assert_eq!(needs(&packages), [[1].into(), BTreeSet::new()]);
        assert_eq!(required(&packages, &both), [1].into());
        assert!(unneeded(&packages, &both, &[0].into()).is_empty());
        assert_eq!(crate::order::by_dependencies(&packages.iter().collect::<Vec<_>>()), [1, 0]);
        let chain: Vec<Package> =
            (0..MANY).map(|number| package(&format!("c{number}-1"), &[&format!("requires: c{}", number + 1)])).collect();
        let all: BTreeSet<usize> = (0..MANY).collect();
        assert_eq!(with_dependents(&chain, &all, &[MANY - 1].into(), "x86_64"), all);
    }
}
