//! All packages of the suites in use, by name and by what they provide.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::relation::{Comparison, Relation, groups};
use super::version::compare;
use crate::apt::Record;

/// A package in an index.
#[derive(Clone, Copy, Debug)]
pub struct Package<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its version, including the epoch.
    pub version: &'a str,
    /// Its whole stanza.
    pub stanza: &'a str,
}

/// The packages that may be chosen: for each name the best version of the last suite that has it.
#[derive(Debug, Default)]
pub struct Catalogue<'a> {
    by_name: HashMap<&'a str, (usize, Package<'a>)>,
    providers: HashMap<&'a str, Vec<&'a str>>,
}

impl<'a> Package<'a> {
    /// Reads a stanza; `None` if it lacks its name or version.
    pub fn parse(stanza: &'a str) -> Option<Self> {
        Some(Self { name: field(stanza, "Package")?, version: field(stanza, "Version")?, stanza })
    }

    /// The package of a record.
    pub fn of(record: &'a Record) -> Self {
        Self { name: &record.name, version: &record.version, stanza: &record.stanza }
    }

    /// The groups of alternatives it needs: `Pre-Depends`, then `Depends`.
    pub fn needs(&self) -> Vec<Vec<Relation<'a>>> {
        let mut needs = groups(field(self.stanza, "Pre-Depends").unwrap_or_default());
        needs.extend(groups(field(self.stanza, "Depends").unwrap_or_default()));
        needs
    }

    /// Packages that it cannot be installed with: `Conflicts` and `Breaks`.
    pub fn refuses(&self) -> Vec<Relation<'a>> {
        let fields = ["Conflicts", "Breaks"].into_iter().filter_map(|name| field(self.stanza, name));
        fields.flat_map(groups).flatten().collect()
    }

    /// The virtual packages it provides, with their versions.
    pub fn provides(&self) -> Vec<(&'a str, Option<&'a str>)> {
        let provided = groups(field(self.stanza, "Provides").unwrap_or_default());
        let version = |relation: &Relation<'a>| relation.version.filter(|(comparison, _)| *comparison == Comparison::Exactly);
        provided.into_iter().flatten().map(|relation| (relation.name, version(&relation).map(|(_, version)| version))).collect()
    }

    /// Whether it fulfils a relation, by its own name or by what it provides.
    pub fn fulfils(&self, relation: &Relation<'_>) -> bool {
        if self.name == relation.name && relation.allows(self.version) {
            return true;
        }
        self.provides().iter().any(|(name, version)| *name == relation.name && relation.allows_provided(*version))
    }

    /// Its priority in the archive, the most important first.
    pub fn rank(&self) -> usize {
        const PRIORITIES: [&str; 4] = ["required", "important", "standard", "optional"];
        let priority = field(self.stanza, "Priority").unwrap_or_default();
        let is_essential = field(self.stanza, "Essential") == Some("yes");
        if is_essential { 0 } else { 1 + PRIORITIES.iter().position(|name| *name == priority).unwrap_or(PRIORITIES.len()) }
    }
}

impl<'a> Catalogue<'a> {
    /// Reads the indexes of suites; packages of later suites are preferred to those of earlier ones, regardless of version.
    pub fn new(indexes: &[&'a str]) -> Self {
        let mut catalogue = Self::default();
        for (suite, index) in indexes.iter().enumerate() {
            for package in index.split("\n\n").filter_map(Package::parse) {
                catalogue.add(suite, package);
            }
        }
        for (_, package) in catalogue.by_name.values() {
            for (name, _) in package.provides() {
                catalogue.providers.entry(name).or_default().push(package.name);
            }
        }
        catalogue
    }

    fn add(&mut self, suite: usize, package: Package<'a>) {
        match self.by_name.entry(package.name) {
            Entry::Vacant(new) => {
                new.insert((suite, package));
            }
            Entry::Occupied(mut known) => {
                let (before, best) = *known.get();
                if suite > before || compare(package.version, best.version).is_gt() {
                    known.insert((suite, package));
                }
            }
        }
    }

    /// The package of this name that may be chosen.
    pub fn get(&self, name: &str) -> Option<Package<'a>> {
        self.by_name.get(name).map(|(_, package)| *package)
    }

    /// Packages that fulfil a relation, best first: the one of that name, then those that provide it, by importance and name.
    pub fn fulfilling(&self, relation: &Relation<'_>) -> Vec<Package<'a>> {
        let providers = self.providers.get(relation.name).into_iter().flatten().filter_map(|name| self.get(name));
        let mut others: Vec<Package<'a>> = providers.filter(|package| package.name != relation.name && package.fulfils(relation)).collect();
        others.sort_by_key(|package| (package.rank(), package.name));
        let own = self.get(relation.name).filter(|package| package.fulfils(relation));
        own.into_iter().chain(others).collect()
    }
}

/// The value of a field on one line, like all fields that are read here.
fn field<'a>(stanza: &'a str, name: &str) -> Option<&'a str> {
    stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "Package: a\nVersion: 2\nPriority: required\nProvides: virtual (= 3), other\n\nPackage: b\nVersion: 1\nProvides: virtual\n\n\
        Package: b\nVersion: 3\nProvides: virtual\n\nPackage: virtual\nVersion: 1\n";
    const NEW: &str = "Package: b\nVersion: 2\nProvides: virtual\n";

    fn names(catalogue: &Catalogue<'_>, relation: &str) -> Vec<String> {
        catalogue.fulfilling(&groups(relation)[0][0]).iter().map(|package| format!("{} {}", package.name, package.version)).collect()
    }

    #[test]
    fn the_last_suite_and_the_best_version_win() {
        let old = Catalogue::new(&[OLD]);
        assert_eq!(names(&old, "b"), ["b 3"]);
        let both = Catalogue::new(&[OLD, NEW]);
        assert_eq!(names(&both, "b"), ["b 2"]);
        assert_eq!(names(&both, "virtual"), ["virtual 1", "a 2", "b 2"]);
        assert_eq!(names(&both, "virtual (>= 2)"), ["a 2"]);
        assert_eq!(names(&both, "other (= 1)"), Vec::<String>::new());
    }
}
