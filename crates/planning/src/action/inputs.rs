//! The built packages in a sandbox: those that a spec declares, and what these need in turn.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use super::{BuildResult, BuiltPackage, Results};
use crate::graph::{Graph, SpecSet};
use base::name::PackageName;

/// Built packages, by name and by what they provide.
///
/// Without those of specs marked `toolchain`: the SDK contains the same libraries.
#[derive(Default)]
pub struct PackagePool<'a> {
    /// Package → the number of its spec, and the package.
    packages: HashMap<&'a str, (usize, &'a BuiltPackage)>,
    /// Capability → packages that provide it.
    providers: HashMap<&'a str, BTreeSet<&'a str>>,
}

impl<'a> PackagePool<'a> {
    /// Adds the packages of a result.
    pub fn put(&mut self, graph: &Graph, result: &'a BuildResult) {
        let Some(number) = graph.number(&result.spec) else { return };
        if graph.spec(&result.spec).is_none_or(|folder| folder.spec.toolchain) {
            return;
        }
        for package in &result.packages {
            self.packages.insert(package.name.as_str(), (number, package));
            for provided in &package.provides {
                self.providers.entry(capability(provided)).or_default().insert(package.name.as_str());
            }
        }
    }

    /// The packages in `spec`'s sandbox, sorted by name. `reach` has the numbers of all specs that its build needs.
    pub fn inputs(&self, graph: &Graph, spec: &PackageName, reach: &SpecSet) -> Vec<&'a BuiltPackage> {
        let Some(folder) = graph.spec(spec) else { return Vec::new() };
        let roots = folder.spec.build_requires.iter().filter_map(|name| graph.index().package(name.as_str()));
        let mut inputs: BTreeMap<&str, &BuiltPackage> = BTreeMap::new();
        let mut queue: VecDeque<&'a BuiltPackage> = roots.filter_map(|name| self.package(name.as_str(), reach)).collect();
        while let Some(package) = queue.pop_front() {
            if inputs.insert(package.name.as_str(), package).is_none() {
                let needs = package.requires.iter().filter_map(|needed| self.provider(capability(needed), reach));
                queue.extend(needs.filter(|provider| !inputs.contains_key(provider.name.as_str())));
            }
        }
        inputs.into_values().collect()
    }

    fn package(&self, name: &str, reach: &SpecSet) -> Option<&'a BuiltPackage> {
        self.packages.get(name).filter(|(number, _)| reach.contains(*number)).map(|(_, package)| *package)
    }

    /// The package of this name, or else the first package in the order of names that provides it.
    fn provider(&self, capability: &str, reach: &SpecSet) -> Option<&'a BuiltPackage> {
        let others = || self.providers.get(capability)?.iter().find_map(|name| self.package(name, reach));
        self.package(capability, reach).or_else(others)
    }
}

/// The packages in `spec`'s sandbox, sorted by name. `results` must contain all specs that its build needs.
pub fn input_packages<'a>(graph: &Graph, spec: &PackageName, results: &'a Results) -> Vec<&'a BuiltPackage> {
    let reach = graph.reach(spec);
    let mut pool = PackagePool::default();
    let in_reach = |result: &&Arc<BuildResult>| graph.number(&result.spec).is_some_and(|number| reach.contains(number));
    results.values().filter(in_reach).for_each(|result| pool.put(graph, result));
    pool.inputs(graph, spec, &reach)
}

/// `libz.so.1()(64bit)` of `libz.so.1()(64bit) = 1`.
pub(crate) fn capability(dependency: &str) -> &str {
    dependency.split(' ').next().unwrap_or(dependency)
}
