//! Dependencies: specs, the packages they build, and the build order.
//!
//! A spec must be built before another if its package is in the sandbox (`requires.build`), or is needed by a package there
//! (`requires.run`). Run-time dependencies alone may have cycles, build dependencies may not.

mod cycle;
mod indexed;
mod kernel;
mod resolve;

use std::collections::{BTreeMap, BTreeSet};

use crate::project::SpecFolder;
use base::diagnostic::{Problem, Problems};
use base::name::PackageName;

use indexed::IndexedGraph;
pub use indexed::SpecSet;
pub use resolve::{Index, requirement_place};

/// All specs and their dependencies, checked: every name is provided and there are no build cycles.
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
    /// Every name that nothing provides, every name that two specs claim, and one cycle if there is any.
    pub fn new(specs: BTreeMap<PackageName, SpecFolder>) -> Result<Self, Problems> {
        let mut problems: Vec<Problem> = Vec::new();
        let index = Index::new(&specs, &mut problems);
        let run = resolve::run_edges(&specs, &index, &mut problems);
        resolve::check_build_names(&specs, &index, &mut problems);
        kernel::check(&specs, &index, &mut problems);
        if problems.is_empty() {
            let graph = Self { indexed: IndexedGraph::new(&specs, &index, &run), specs, index };
            match cycle::find(&graph) {
                None => return Ok(graph),
                Some(problem) => problems.push(problem),
            }
        }
        Err(Problems::new(problems))
    }

    /// The spec named `name`.
    pub fn spec(&self, name: &PackageName) -> Option<&SpecFolder> {
        self.specs.get(name)
    }

    /// The spec that names the sources of what `folder` packages: for a kernel the one that compiles it, else `folder` itself.
    pub fn compiled_from<'a>(&'a self, folder: &'a SpecFolder) -> &'a SpecFolder {
        kernel::objects(folder, &self.specs, &self.index).unwrap_or(folder)
    }

    /// All specs, by name.
    pub fn specs(&self) -> impl Iterator<Item = (&PackageName, &SpecFolder)> {
        self.specs.iter()
    }

    /// The main package of each spec, in order of the specs' names; with everything they need, these are all packages.
    pub fn main_packages(&self) -> impl Iterator<Item = &PackageName> {
        self.specs.values().map(|folder| &folder.spec.main.name)
    }

    /// The specs that every compiled program may need without declaring it: the C library and the compiler's own.
    pub fn toolchain(&self) -> impl Iterator<Item = &PackageName> {
        self.specs.iter().filter(|(_, folder)| folder.spec.toolchain).map(|(name, _)| name)
    }

    /// The index of packages and capabilities.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The number of a spec: its position among all specs by name.
    pub fn number(&self, spec: &PackageName) -> Option<usize> {
        self.indexed.specs.number(spec)
    }

    /// The numbers of the specs that must be built before the spec with this number can be, directly.
    ///
    /// # Panics
    /// For a number that [`Graph::number`] did not return.
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

    /// `packages` and everything they need at run time, as far as specs name it.
    pub fn run_closure<'a>(&'a self, packages: impl IntoIterator<Item = &'a PackageName>) -> BTreeSet<&'a PackageName> {
        let numbers = packages.into_iter().filter_map(|name| self.indexed.packages.number(name)).collect();
        self.indexed.run_closure(numbers).into_iter().map(|number| self.indexed.packages.name(number)).collect()
    }

    /// The specs that must be built before `spec` can be, directly.
    pub fn build_edges(&self, spec: &PackageName) -> BTreeSet<&PackageName> {
        self.number(spec).into_iter().flat_map(|number| self.edges(number)).map(|edge| self.indexed.specs.name(*edge)).collect()
    }

    /// All specs that are built for `packages` with everything they need, in build order.
    pub fn build_order<'a>(&'a self, packages: impl IntoIterator<Item = &'a PackageName>) -> Vec<&'a PackageName> {
        let packages = packages.into_iter().filter_map(|name| self.indexed.packages.number(name)).collect();
        self.order_of(self.indexed.owners(&self.indexed.run_closure(packages)))
    }

    /// The specs of `packages` and all that must be built before them, in build order. Without what `packages` need only at run time.
    pub fn build_order_without_run_needs<'a>(&'a self, packages: impl IntoIterator<Item = &'a PackageName>) -> Vec<&'a PackageName> {
        let packages: Vec<usize> = packages.into_iter().filter_map(|name| self.indexed.packages.number(name)).collect();
        self.order_of(self.indexed.owners(&packages))
    }

    /// The specs with these numbers and all that must be built before them, in build order.
    fn order_of(&self, roots: impl IntoIterator<Item = usize, IntoIter: DoubleEndedIterator>) -> Vec<&PackageName> {
        let mut order = Vec::new();
        let mut seen = SpecSet::default();
        // An explicit stack, because a chain of ten thousand specs must not overflow the thread's stack.
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
