//! What a plan is for: the specs whose packages must be in the store in the end.

use std::collections::{BTreeSet, HashMap};

use crate::action::{BuildResult, capability};
use crate::graph::Graph;
use base::name::PackageName;

/// What must be in the store in the end. Everything else is fetched or built only where something that is built needs it.
#[derive(Clone, Copy, Debug)]
pub enum Goal<'a> {
    /// These packages, and what they need at run time.
    Run(&'a [PackageName]),
    /// The packages of the specs that build these.
    Only(&'a [PackageName]),
    /// All packages of all planned specs.
    Everything,
}

impl Goal<'_> {
    /// The specs among `order` whose packages must be in the store in the end, as far as the results of specs are known.
    pub fn specs<'r>(
        self,
        graph: &Graph,
        order: &[&'r PackageName],
        result: impl Fn(&PackageName) -> Option<&'r BuildResult>,
    ) -> BTreeSet<&'r PackageName> {
        let all: BTreeSet<&'r PackageName> = order.iter().copied().collect();
        let owner = |package: &PackageName| graph.index().owner(package).and_then(|spec| all.get(spec).copied());
        match self {
            Self::Everything => all,
            Self::Only(packages) => packages.iter().filter_map(owner).collect(),
            Self::Run(packages) => {
                let results: Vec<(&PackageName, &BuildResult)> = order.iter().filter_map(|spec| Some((*spec, result(spec)?))).collect();
                let providers = Providers::new(&results);
                let mut found = BTreeSet::new();
                let mut waiting: Vec<&PackageName> = packages.iter().filter_map(owner).collect();
                while let Some(spec) = waiting.pop() {
                    if !found.insert(spec) {
                        continue;
                    }
                    let contents = || graph.spec(spec).into_iter().flat_map(|folder| folder.spec.packages());
                    waiting.extend(contents().flat_map(|content| graph.run_requires(&content.name)).filter_map(owner));
                    // A wish is fulfilled if something is there that can.
                    let wishes = contents().flat_map(|content| &content.recommends).map(|wish| wish.capability.as_str());
                    waiting.extend(wishes.flat_map(|wish| providers.of(wish)));
                    for required in result(spec).into_iter().flat_map(|result| &result.packages).flat_map(|package| &package.requires) {
                        let fulfil = providers.of(capability(required));
                        if fulfil.is_empty() && is_by_content(required) {
                            return all;
                        }
                        waiting.extend(fulfil);
                    }
                }
                found
            }
        }
    }
}

/// Whether only the packages' content tells what fulfils a requirement: a path, or a condition.
fn is_by_content(required: &str) -> bool {
    required.starts_with(['/', '('])
}

/// Specs by the names of their packages and by what these provide: all of them, because whoever installs packages chooses among all.
struct Providers<'r>(HashMap<&'r str, BTreeSet<&'r PackageName>>);

impl<'r> Providers<'r> {
    fn new(results: &[(&'r PackageName, &'r BuildResult)]) -> Self {
        let mut specs: HashMap<&str, BTreeSet<&PackageName>> = HashMap::new();
        for (spec, package) in results.iter().flat_map(|(spec, result)| result.packages.iter().map(move |package| (*spec, package))) {
            let provided = package.provides.iter().map(|provided| capability(provided));
            for name in provided.chain([package.name.as_str()]) {
                specs.entry(name).or_default().insert(spec);
            }
        }
        Self(specs)
    }

    fn of(&self, capability: &str) -> Vec<&'r PackageName> {
        self.0.get(capability).into_iter().flatten().copied().collect()
    }
}
