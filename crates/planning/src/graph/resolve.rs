//! Resolves names in specs to packages.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::project::SpecFolder;
use crate::spec::Content;
use base::diagnostic::Problem;
use base::document::place;
use base::name::{Dependency, PackageName};
use text::did_you_mean;

/// Which spec builds each package, and which packages provide each capability.
#[derive(Debug, Default)]
pub struct Index {
    /// Package → the spec that builds it.
    owners: BTreeMap<PackageName, PackageName>,
    /// Declared capability → the packages that provide it.
    provides: BTreeMap<String, BTreeSet<PackageName>>,
}

impl Index {
    /// Indexes all specs; reports packages that two specs claim.
    pub(super) fn new(specs: &BTreeMap<PackageName, SpecFolder>, problems: &mut Vec<Problem>) -> Self {
        let mut index = Self::default();
        for (name, folder) in specs {
            for content in folder.spec.packages() {
                if let Some(other) = index.owners.insert(content.name.clone(), name.clone())
                    && other != *name
                {
                    let message = format!("package `{}` is built by both `{other}` and `{name}`", content.name);
                    problems.push(Problem::new(&folder.source, 0..0, message).hint("rename one of them"));
                }
                for provided in &content.provides {
                    index.provides.entry(provided.capability.clone()).or_default().insert(content.name.clone());
                }
            }
        }
        index
    }

    /// The spec that builds `package`.
    pub fn owner(&self, package: &PackageName) -> Option<&PackageName> {
        self.owners.get(package)
    }

    /// The package with this name, or the first by name that declares that it provides it.
    pub fn package(&self, capability: &str) -> Option<&PackageName> {
        let by_name = capability.parse::<PackageName>().ok().and_then(|name| self.owners.get_key_value(&name)).map(|(name, _)| name);
        by_name.or_else(|| self.provides.get(capability).and_then(BTreeSet::first))
    }

    /// The names of all packages, sorted.
    pub fn packages(&self) -> impl Iterator<Item = &PackageName> {
        self.owners.keys()
    }
}

/// Package → packages it needs by name; reports names that nothing provides.
pub(super) fn run_edges(
    specs: &BTreeMap<PackageName, SpecFolder>,
    index: &Index,
    problems: &mut Vec<Problem>,
) -> BTreeMap<PackageName, BTreeSet<PackageName>> {
    let mut edges = BTreeMap::new();
    for folder in specs.values() {
        for content in folder.spec.packages() {
            let needs = needs_of(folder, content, index, problems);
            edges.insert(content.name.clone(), needs);
        }
        for sub in folder.spec.subpackages.iter().filter(|sub| sub.is_devel) {
            edges.entry(sub.content.name.clone()).or_default().insert(folder.spec.main.name.clone());
        }
    }
    edges
}

fn needs_of(folder: &SpecFolder, content: &Content, index: &Index, problems: &mut Vec<Problem>) -> BTreeSet<PackageName> {
    let mut needs = BTreeSet::new();
    for (dependency, is_weak) in content.requires.iter().map(|item| (item, false)).chain(content.recommends.iter().map(|item| (item, true)))
    {
        match index.package(&dependency.capability) {
            // Weak dependencies only matter for images: in a sandbox they would add packages that the build may depend on.
            Some(_) if is_weak => {}
            Some(package) => {
                needs.insert(package.clone());
            }
            None if dependency.is_found_in_files() => {}
            None => {
                let span = requirement_place(folder, &content.name, if is_weak { "weak" } else { "run" }, dependency);
                problems.push(unknown(folder, span, &content.name, &dependency.capability, index));
            }
        }
    }
    needs
}

/// Reports build requirements that nothing provides.
pub(super) fn check_build_names(specs: &BTreeMap<PackageName, SpecFolder>, index: &Index, problems: &mut Vec<Problem>) {
    for (name, folder) in specs {
        for wanted in &folder.spec.build_requires {
            if index.package(wanted.as_str()).is_none() {
                let span = place(&folder.source, &["requires", "build"], |text| text == wanted.as_str());
                problems.push(unknown(folder, span, name, wanted.as_str(), index));
            }
        }
    }
}

/// The position of a package's requirement in its spec; `key` is the list: `run` or `weak`.
pub fn requirement_place(folder: &SpecFolder, package: &PackageName, key: &str, wanted: &Dependency) -> Range<usize> {
    let matches = |text: &str| text.parse::<Dependency>().is_ok_and(|written| written == *wanted);
    let table = folder.table_of(package);
    let path: Vec<&str> = table.iter().map(String::as_str).chain(["requires", key]).collect();
    place(&folder.source, &path, matches)
}

fn unknown(folder: &SpecFolder, span: Range<usize>, package: &PackageName, capability: &str, index: &Index) -> Problem {
    let problem = Problem::new(&folder.source, span, format!("package `{package}` needs `{capability}`, which no spec provides"));
    let base = capability.strip_suffix("-devel").and_then(|base| base.parse::<PackageName>().ok());
    if let Some(base) = base.filter(|base| index.owner(base).is_some()) {
        return problem.hint(format!("`specs/{base}` exists; add `[subpackage.devel]` there"));
    }
    match did_you_mean(capability, index.packages().map(PackageName::as_str)) {
        Some(hint) => problem.hint(hint),
        None => problem.hint(format!("add `specs/{capability}/package.toml`, or remove it here")),
    }
}
