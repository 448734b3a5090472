//! Specs, packages and their dependencies as numbers, so that walking over thousands of them compares no names.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Index;
use crate::project::SpecFolder;
use base::name::PackageName;

/// Numbered specs and packages, both in order of name.
#[derive(Debug)]
pub(super) struct IndexedGraph {
    pub(super) specs: Names,
    pub(super) packages: Names,
    /// Package → the spec that builds it.
    pub(super) owner: Vec<usize>,
    /// Package → packages it needs at run time, ascending.
    pub(super) run: Vec<Vec<usize>>,
    /// Spec → specs that must be built before it, ascending.
    pub(super) build: Vec<Vec<usize>>,
}

/// Names and their numbers.
#[derive(Debug)]
pub(super) struct Names {
    names: Vec<PackageName>,
    numbers: HashMap<PackageName, usize>,
}

impl Names {
    fn new<'a>(sorted: impl Iterator<Item = &'a PackageName>) -> Self {
        let names: Vec<PackageName> = sorted.cloned().collect();
        let numbers = names.iter().cloned().enumerate().map(|(number, name)| (name, number)).collect();
        Self { names, numbers }
    }

    pub(super) fn number(&self, name: &PackageName) -> Option<usize> {
        self.numbers.get(name).copied()
    }

    pub(super) fn name(&self, number: usize) -> &PackageName {
        &self.names[number]
    }
}

impl IndexedGraph {
    pub(super) fn new(
        specs: &BTreeMap<PackageName, SpecFolder>,
        index: &Index,
        run: &BTreeMap<PackageName, BTreeSet<PackageName>>,
    ) -> Self {
        let (spec_names, packages) = (Names::new(specs.keys()), Names::new(index.packages()));
        let owner =
            packages.names.iter().map(|name| index.owner(name).and_then(|spec| spec_names.number(spec)).unwrap_or_default()).collect();
        let needs = |name| run.get(name).into_iter().flatten().filter_map(|needed| packages.number(needed)).collect();
        let run = packages.names.iter().map(needs).collect();
        let mut indexed = Self { specs: spec_names, packages, owner, run, build: Vec::new() };
        let build_requires = |folder: &SpecFolder| -> Vec<usize> {
            folder.spec.build_requires.iter().filter_map(|name| indexed.packages.number(index.package(name.as_str())?)).collect()
        };
        indexed.build = specs.values().map(|folder| indexed.owners(&indexed.run_closure(build_requires(folder)))).collect();
        indexed
    }

    /// These packages and everything they need at run time.
    pub(super) fn run_closure(&self, mut waiting: Vec<usize>) -> Vec<usize> {
        let mut found = SpecSet::default();
        let mut closure = Vec::new();
        while let Some(package) = waiting.pop() {
            if found.insert(package) {
                closure.push(package);
                waiting.extend(&self.run[package]);
            }
        }
        closure
    }

    /// The specs that build these packages, ascending.
    pub(super) fn owners(&self, packages: &[usize]) -> Vec<usize> {
        let mut owners: Vec<usize> = packages.iter().map(|package| self.owner[*package]).collect();
        owners.sort_unstable();
        owners.dedup();
        owners
    }
}

/// A set of specs or packages, by their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpecSet(Vec<u64>);

impl SpecSet {
    /// Adds a number, and returns whether it is new.
    pub fn insert(&mut self, number: usize) -> bool {
        let (at, bit) = (number / 64, 1 << (number % 64));
        if at >= self.0.len() {
            self.0.resize(at + 1, 0);
        }
        let is_new = self.0[at] & bit == 0;
        self.0[at] |= bit;
        is_new
    }

    /// Adds all numbers of another set.
    pub fn extend(&mut self, other: &Self) {
        if other.0.len() > self.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine |= theirs);
    }

    /// Its numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        let bits = |(at, word): (usize, &u64)| {
            let word = *word;
            (0..64).filter(move |bit| word & (1 << bit) != 0).map(move |bit| at * 64 + bit)
        };
        self.0.iter().enumerate().filter(|(_, word)| **word != 0).flat_map(bits)
    }

    /// Whether a number is in it.
    pub fn contains(&self, number: usize) -> bool {
        self.0.get(number / 64).is_some_and(|word| word & (1 << (number % 64)) != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_specs() {
        let (mut set, mut other) = (SpecSet::default(), SpecSet::default());
        assert!(set.insert(3) && set.insert(64) && !set.insert(3));
        assert!(other.insert(200));
        set.extend(&other);
        assert_eq!(set.iter().collect::<Vec<_>>(), [3, 64, 200]);
        let found: Vec<usize> = (0..300).filter(|number| set.contains(*number)).collect();
        assert_eq!(found, [3, 64, 200]);
    }
}
