//! Which built packages are laid into a sandbox: those a spec declares, and what these need in turn.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{BuiltPackage, Results};
use crate::graph::Graph;
use crate::name::PackageName;

/// The packages laid into `spec`'s sandbox, sorted by name. `results` must hold all specs its build needs.
///
/// Packages of specs marked `toolchain` are left out: the SDK carries the same libraries.
pub fn laid_packages<'a>(graph: &Graph, spec: &PackageName, results: &'a Results) -> Vec<&'a BuiltPackage> {
    let Some(folder) = graph.spec(spec) else { return Vec::new() };
    let roots: Vec<&PackageName> = folder.spec.build_requires.iter().filter_map(|name| graph.index().package(name.as_str())).collect();
    let specs = graph.build_order(roots.iter().copied());
    let in_reach: BTreeMap<&str, &BuiltPackage> = specs
        .iter()
        .filter(|name| graph.spec(name).is_some_and(|folder| !folder.spec.toolchain))
        .filter_map(|name| results.get(*name))
        .flat_map(|result| result.packages.iter().map(|package| (package.name.as_str(), package)))
        .collect();
    let providers = providers(&in_reach);
    let mut laid: BTreeSet<&str> = BTreeSet::new();
    let mut queue: VecDeque<&str> = roots.iter().map(|name| name.as_str()).filter(|name| in_reach.contains_key(name)).collect();
    while let Some(name) = queue.pop_front() {
        if laid.insert(name) {
            let needs = in_reach[name].requires.iter().filter_map(|needed| providers.get(capability(needed)));
            queue.extend(needs.filter(|provider| !laid.contains(*provider)));
        }
    }
    laid.into_iter().map(|name| in_reach[name]).collect()
}

/// Capability → the first package, by name, that provides it; a package's own name goes before what others provide under it.
fn providers<'a>(packages: &BTreeMap<&'a str, &'a BuiltPackage>) -> BTreeMap<&'a str, &'a str> {
    let mut providers: BTreeMap<&str, &str> = packages.keys().map(|name| (*name, *name)).collect();
    for (name, package) in packages {
        for provided in &package.provides {
            providers.entry(capability(provided)).or_insert(name);
        }
    }
    providers
}

/// `libz.so.1()(64bit)` of `libz.so.1()(64bit) = 1`.
fn capability(dependency: &str) -> &str {
    dependency.split(' ').next().unwrap_or(dependency)
}
