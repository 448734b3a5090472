//! Which packages nobody needs any more, and what goes with what is removed.

use std::collections::{BTreeSet, HashMap};

use crate::dependency::{Capability, Dependency};
use crate::package::Package;

/// Who provides what among some packages.
struct Providers<'a> {
    packages: &'a [Package],
    by_name: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Providers<'a> {
    fn new(packages: &'a [Package], there: &BTreeSet<usize>) -> Self {
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        for index in there {
            let package = &packages[*index];
            let names = package.provides.iter().map(|provided| provided.name.as_str()).chain(package.paths.iter().map(String::as_str));
            for name in names {
                let all = by_name.entry(name).or_default();
                if all.last() != Some(index) {
                    all.push(*index);
                }
            }
        }
        Self { packages, by_name }
    }

    fn of<'b>(&'b self, wanted: &'b Capability) -> impl Iterator<Item = usize> + 'b {
        let all = self.by_name.get(wanted.name.as_str()).into_iter().flatten().copied();
        all.filter(|index| self.packages[*index].satisfies(wanted))
    }
}

/// For each of `packages`, those of them that provide what it requires; itself left out.
pub fn needs(packages: &[Package]) -> Vec<BTreeSet<usize>> {
    let providers = Providers::new(packages, &(0..packages.len()).collect());
    let of = |(index, package): (usize, &Package)| -> BTreeSet<usize> {
        let found = package.requires.iter().flat_map(asked).flat_map(|capability| providers.of(capability));
        found.filter(|provider| *provider != index).collect()
    };
    packages.iter().enumerate().map(of).collect()
}

/// Of the packages `there`, those that neither are `wanted` nor required, recommended or supplemented by way of what is.
pub fn unneeded(packages: &[Package], there: &BTreeSet<usize>, wanted: &BTreeSet<usize>) -> BTreeSet<usize> {
    let providers = Providers::new(packages, there);
    let mut needed: BTreeSet<usize> = wanted & there;
    let mut queue: Vec<usize> = needed.iter().copied().collect();
    loop {
        while let Some(index) = queue.pop() {
            let package = &packages[index];
            for capability in package.requires.iter().chain(&package.recommends).flat_map(asked) {
                queue.extend(providers.of(capability).filter(|provider| needed.insert(*provider)));
            }
        }
        let supplements = |index: &usize| {
            let asks = packages[*index].supplements.iter().flat_map(asked);
            asks.into_iter().any(|capability| providers.of(capability).any(|provider| needed.contains(&provider)))
        };
        queue = there.difference(&needed).filter(|index| supplements(index)).copied().collect();
        if queue.is_empty() {
            return there - &needed;
        }
        needed.extend(&queue);
    }
}

/// `gone` and, of the packages `there`, those that require what is then provided by nobody, and so on.
pub fn with_dependents(packages: &[Package], there: &BTreeSet<usize>, gone: &BTreeSet<usize>, arch: &str) -> BTreeSet<usize> {
    let universe = super::Universe::new(packages, there, arch, &[]);
    let mut gone = gone.clone();
    loop {
        let left = there - &gone;
        // What did not hold before is no reason to remove anything.
        let breaks = |dependency: &Dependency| !universe.holds(dependency, &left) && universe.holds(dependency, there);
        let broken: Vec<usize> = left.iter().copied().filter(|index| packages[*index].requires.iter().any(breaks)).collect();
        if broken.is_empty() {
            return gone;
        }
        gone.extend(broken);
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
        assert_eq!(names(with_dependents(&packages, &all, &[2].into(), "x86_64")), "app lib base stray");
        assert_eq!(names(with_dependents(&packages, &all, &[4].into(), "x86_64")), "app shell");
        assert_eq!(names(with_dependents(&packages, &all, &[3].into(), "x86_64")), "doc");
        assert_eq!(problems(&packages, &all, "x86_64"), ["odd-1-1.x86_64 requires missing, which no installed package provides"]);
    }
}
