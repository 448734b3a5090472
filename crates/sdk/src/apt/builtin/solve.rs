//! Finds the packages that must be added so that all requested ones work. As in `apt install`, the first alternative that can be installed
//! is taken, and decisions are not revised.

use std::collections::BTreeMap;

use super::catalogue::{Catalogue, Package};
use super::relation::Relation;
use crate::apt::AptError;

/// The packages that must be added to `installed` for all of `wanted` and their dependencies, sorted by name.
///
/// # Errors
/// When there is no such set.
pub fn solve<'a>(catalogue: &Catalogue<'a>, installed: &[Package<'a>], wanted: &[String]) -> Result<Vec<Package<'a>>, AptError> {
    let mut solver = Solver::new(catalogue);
    for package in installed {
        solver.put(*package);
    }
    let unresolved = |reason| AptError::Unresolved { reason };
    let mut asked = Vec::new();
    for name in wanted {
        let package = catalogue.get(name).ok_or_else(|| AptError::UnknownPackage { name: name.clone() })?;
        if !solver.present.contains_key(package.name) {
            solver.add(package).map_err(unresolved)?;
            asked.push(package);
        }
    }
    for package in asked {
        solver.complete(package).map_err(unresolved)?;
    }
    Ok(solver.added.into_values().collect())
}

struct Solver<'c, 'a> {
    catalogue: &'c Catalogue<'a>,
    /// Packages that are installed or will be, by name.
    present: BTreeMap<&'a str, Package<'a>>,
    /// Virtual packages, with the packages that provide them.
    provided: BTreeMap<&'a str, Vec<&'a str>>,
    /// What they cannot be installed with, by name, and the package that declares it.
    refused: BTreeMap<&'a str, Vec<(Relation<'a>, &'a str)>>,
    added: BTreeMap<&'a str, Package<'a>>,
}

impl<'c, 'a> Solver<'c, 'a> {
    fn new(catalogue: &'c Catalogue<'a>) -> Self {
        Self { catalogue, present: BTreeMap::new(), provided: BTreeMap::new(), refused: BTreeMap::new(), added: BTreeMap::new() }
    }

    fn put(&mut self, package: Package<'a>) {
        self.present.insert(package.name, package);
        for (name, _) in package.provides() {
            self.provided.entry(name).or_default().push(package.name);
        }
        for relation in package.refuses() {
            self.refused.entry(relation.name).or_default().push((relation, package.name));
        }
    }

    /// Adds a package.
    fn add(&mut self, package: Package<'a>) -> Result<(), String> {
        if let Some(other) = self.enemy(&package) {
            return Err(format!("{} {} cannot be installed with {other}", package.name, package.version));
        }
        self.put(package);
        self.added.insert(package.name, package);
        Ok(())
    }

    /// Adds what a package needs: first dependencies without alternatives, so that they are known when choices are made.
    fn complete(&mut self, package: Package<'a>) -> Result<(), String> {
        let (plain, choices): (Vec<_>, Vec<_>) = package.needs().into_iter().partition(|group| group.len() == 1);
        for group in plain.into_iter().chain(choices) {
            if group.iter().any(|relation| self.who_fulfils(relation).is_some()) {
                continue;
            }
            let candidates: Vec<Package<'a>> = group.iter().flat_map(|relation| self.catalogue.fulfilling(relation)).collect();
            let mut reasons = Vec::new();
            let taken = candidates.into_iter().find(|candidate| self.add(*candidate).map_err(|reason| reasons.push(reason)).is_ok());
            let Some(taken) = taken else {
                let why = if reasons.is_empty() { "the archive has none".to_owned() } else { reasons.join("; ") };
                return Err(format!("{} {} needs {}: {why}", package.name, package.version, shown(&group)));
            };
            self.complete(taken)?;
        }
        Ok(())
    }

    /// The name of a present package that fulfils a relation.
    fn who_fulfils(&self, relation: &Relation<'_>) -> Option<&'a str> {
        let own = self.present.get_key_value(relation.name).map(|(name, _)| name);
        let others = self.provided.get(relation.name).into_iter().flatten();
        own.into_iter().chain(others).copied().find(|name| self.present.get(name).is_some_and(|package| package.fulfils(relation)))
    }

    /// The name of a present package that cannot be installed with `package`.
    fn enemy(&self, package: &Package<'a>) -> Option<&'a str> {
        let refused_by_it = package.refuses().into_iter().filter_map(|relation| self.who_fulfils(&relation));
        let names = std::iter::once(package.name).chain(package.provides().into_iter().map(|(name, _)| name));
        let refusing = names.filter_map(|name| self.refused.get(name)).flatten();
        let refusing = refusing.filter(|(relation, _)| package.fulfils(relation)).map(|(_, by)| *by);
        // Many packages conflict with what they provide themselves, so that only one such package is installed.
        refused_by_it.chain(refusing).find(|name| *name != package.name)
    }
}

fn shown(group: &[Relation<'_>]) -> String {
    group.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: &str = "Package: app\nVersion: 1\nPre-Depends: base (>= 2)\nDepends: editor, nano | vim, awk\n\n\
        Package: base\nVersion: 2\n\nPackage: editor\nVersion: 1\nDepends: vim (= 1:9-1)\n\n\
        Package: nano\nVersion: 1\n\nPackage: vim\nVersion: 1:9-1\n\n\
        Package: mawk\nVersion: 1\nPriority: required\nProvides: awk\n\nPackage: gawk\nVersion: 1\nPriority: optional\nProvides: awk\n\n\
        Package: loop-a\nVersion: 1\nDepends: loop-b\n\nPackage: loop-b\nVersion: 1\nDepends: loop-a\n\n\
        Package: broken\nVersion: 1\nDepends: base (>= 3) | nothing\n\n\
        Package: foe\nVersion: 1\nConflicts: awk\nProvides: awk\n\nPackage: picky\nVersion: 1\nDepends: foe | base\nBreaks: gawk (<< 2)\n\n\
        Package: torn\nVersion: 1\nDepends: foe, mawk\n";

    fn solved(installed: &str, wanted: &[&str]) -> Result<Vec<String>, String> {
        let catalogue = Catalogue::new(&[INDEX]);
        let installed: Vec<Package<'_>> = installed.split("\n\n").filter_map(Package::parse).collect();
        let wanted: Vec<String> = wanted.iter().map(|name| (*name).to_owned()).collect();
        let found = solve(&catalogue, &installed, &wanted).map_err(|error| error.to_string())?;
        Ok(found.iter().map(|package| package.name.to_owned()).collect())
    }

    fn names(names: &[&str]) -> Result<Vec<String>, String> {
        Ok(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn dependencies_without_alternatives_are_decided_first() {
        assert_eq!(solved("", &["app"]), names(&["app", "base", "editor", "mawk", "vim"]));
        assert_eq!(solved("", &["gawk", "app"]), names(&["app", "base", "editor", "gawk", "vim"]));
        assert_eq!(solved("", &["loop-a"]), names(&["loop-a", "loop-b"]));
    }

    #[test]
    fn what_is_installed_stays_unless_it_is_too_old() {
        assert_eq!(
            solved("Package: base\nVersion: 2\n\nPackage: x\nVersion: 1\nProvides: awk", &["app"]),
            names(&["app", "editor", "vim"])
        );
        assert_eq!(solved("Package: base\nVersion: 1\n", &["app"]), names(&["app", "base", "editor", "mawk", "vim"]));
        assert_eq!(solved("Package: app\nVersion: 0\n", &["app"]), names(&[]));
    }

    #[test]
    fn packages_in_conflict() {
        assert_eq!(solved("", &["mawk", "picky"]), names(&["base", "mawk", "picky"]));
        let reason = |wanted: &[&str]| solved("", wanted).unwrap_err();
        assert!(reason(&["picky", "gawk"]).contains("gawk 1 cannot be installed with picky"));
        assert!(reason(&["torn"]).contains("torn 1 needs mawk: mawk 1 cannot be installed with foe"));
        assert!(reason(&["broken"]).contains("broken 1 needs base (>= 3) | nothing: the archive has none"));
        assert_eq!(reason(&["nobody"]), "the Debian archive has no package `nobody`");
    }
}
