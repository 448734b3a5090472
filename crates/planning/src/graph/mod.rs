//! What needs what: specs, the packages they make, and the order of building.
//!
//! Two kinds of need lead to a spec being built before another: its package is laid into the sandbox (`requires.build`), or a
//! package laid there needs it in turn (`requires.run`). Needs at run time alone may go in circles, needs of building may not.

mod cycle;
mod indexed;
mod resolve;

use std::collections::{BTreeMap, BTreeSet};

use crate::project::SpecFolder;
use base::diagnostic::{Problem, Problems};
use base::name::PackageName;

use indexed::IndexedGraph;
pub use indexed::SpecSet;
pub use resolve::{Index, requirement_place};

/// All specs and their needs, checked: every name is provided and no build needs itself.
#[derive(Debug)]
pub struct Graph {
    specs: BTreeMap<PackageName, SpecFolder>,
    index: Index,
    indexed: IndexedGraph,
}

impl Graph {
    /// Checks the specs against each other.
    ///
    /// # Errors
    /// Every name nobody provides, every name two specs claim, and one cycle if there is any.
    pub fn new(specs: BTreeMap<PackageName, SpecFolder>) -> Result<Self, Problems> {
        let mut problems: Vec<Problem> = Vec::new();
        let index = Index::new(&specs, &mut problems);
        let run = resolve::run_edges(&specs, &index, &mut problems);
        resolve::check_build_names(&specs, &index, &mut problems);
        if problems.is_empty() {
            let graph = Self { indexed: IndexedGraph::new(&specs, &index, &run), specs, index };
            match cycle::find(&graph) {
                None => return Ok(graph),
                Some(problem) => problems.push(problem),
            }
        }
        Err(Problems::new(problems))
    }

    /// The spec called `name`.
    pub fn spec(&self, name: &PackageName) -> Option<&SpecFolder> {
        self.specs.get(name)
    }

    /// All specs, by name.
    pub fn specs(&self) -> impl Iterator<Item = (&PackageName, &SpecFolder)> {
        self.specs.iter()
    }

    /// The main package of each spec, in the order of the specs' names: with what they need, all there is.
    pub fn main_packages(&self) -> impl Iterator<Item = &PackageName> {
        self.specs.values().map(|folder| &folder.spec.main.name)
    }

    /// The specs of what every compiled program may need without saying so: the C library and the compiler's own.
    pub fn toolchain(&self) -> impl Iterator<Item = &PackageName> {
        self.specs.iter().filter(|(_, folder)| folder.spec.toolchain).map(|(name, _)| name)
    }

    /// Who makes which package and provides which capability.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The number of a spec: its place among all specs by name.
    pub fn number(&self, spec: &PackageName) -> Option<usize> {
        self.indexed.specs.number(spec)
    }

    /// The numbers of the specs that must be built before the spec with this number can be, directly.
    ///
    /// # Panics
    /// For a number that [`Graph::number`] did not give.
    pub fn edges(&self, number: usize) -> &[usize] {
        &self.indexed.build[number]
    }

    /// The numbers of all specs that must be built before `spec` can be.
    pub fn reach(&self, spec: &PackageName) -> SpecSet {
        let mut reach = SpecSet::default();
        let mut waiting: Vec<usize> = self.number(spec).into_iter().flat_map(|number| self.edges(number)).copied().collect();
        while let Some(number) = waiting.pop() {
            if reach.insert(number) {
                waiting.extend(self.edges(number));
            }
        }
        reach
    }

    /// The specs that must be built before `spec` can be, directly or not.
    pub fn build_closure(&self, spec: &PackageName) -> impl Iterator<Item = &PackageName> {
        self.reach(spec).iter().map(|number| self.indexed.specs.name(number)).collect::<Vec<_>>().into_iter()
    }

    /// The packages that `package` needs at run time, directly and by name.
    pub fn run_requires(&self, package: &PackageName) -> impl Iterator<Item = &PackageName> {
        let needs = self.indexed.packages.number(package).map(|number| &self.indexed.run[number]);
        needs.into_iter().flatten().map(|number| self.indexed.packages.name(*number))
    }

    /// `packages` and everything they need at run time, as far as specs say it by name.
    pub fn run_closure<'a>(&'a self, packages: impl IntoIterator<Item = &'a PackageName>) -> BTreeSet<&'a PackageName> {
        let numbers = packages.into_iter().filter_map(|name| self.indexed.packages.number(name)).collect();
        self.indexed.run_closure(numbers).into_iter().map(|number| self.indexed.packages.name(number)).collect()
    }

    /// The specs that must be built before `spec` can be, directly.
    pub fn build_edges(&self, spec: &PackageName) -> BTreeSet<&PackageName> {
        self.number(spec).into_iter().flat_map(|number| self.edges(number)).map(|edge| self.indexed.specs.name(*edge)).collect()
    }

    /// All specs that take part in building `packages` with everything they need, in an order in which each comes after those it needs.
    pub fn build_order<'a>(&'a self, packages: impl IntoIterator<Item = &'a PackageName>) -> Vec<&'a PackageName> {
        let packages = packages.into_iter().filter_map(|name| self.indexed.packages.number(name)).collect();
        self.order_of(self.indexed.owners(&self.indexed.run_closure(packages)))
    }

    /// The specs of `packages` and all that must be built before them, in an order in which each comes after those it needs. What
    /// `packages` need at run time alone is not in it.
    pub fn build_order_without_run_needs<'a>(&'a self, packages: impl IntoIterator<Item = &'a PackageName>) -> Vec<&'a PackageName> {
        let packages: Vec<usize> = packages.into_iter().filter_map(|name| self.indexed.packages.number(name)).collect();
        self.order_of(self.indexed.owners(&packages))
    }

    /// The specs with these numbers and all that must be built before them, each after those it needs.
    fn order_of(&self, roots: impl IntoIterator<Item = usize, IntoIter: DoubleEndedIterator>) -> Vec<&PackageName> {
        let mut order = Vec::new();
        let mut seen = SpecSet::default();
        // An explicit stack: a chain of ten thousand specs must not overflow the thread's own.
        let mut stack: Vec<(usize, bool)> = roots.into_iter().rev().map(|root| (root, false)).collect();
        while let Some((spec, done)) = stack.pop() {
            if done {
                order.push(self.indexed.specs.name(spec));
            } else if seen.insert(spec) {
                stack.push((spec, true));
                stack.extend(self.edges(spec).iter().rev().filter(|edge| !seen.contains(**edge)).map(|edge| (*edge, false)));
            }
        }
        order
    }
}

#[cfg(test)]
mod tests;
