//! Why a package is installed with others.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use serde::Serialize;

use super::{BuiltPackage, Results, capability};
use crate::graph::Graph;
use base::name::PackageName;

/// A package, and what the one before it requires of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Link {
    /// The package.
    pub package: PackageName,
    /// What is required, if that is not its name: `libz.so.1()(64bit)`.
    pub wanted: Option<String>,
}

/// A shortest chain of requirements from one of `from` to `package`, inclusive. Counts names in specs, including weak dependencies, and
/// requirements found in files of built packages.
pub fn chain(graph: &Graph, results: &Results, from: &[PackageName], package: &PackageName) -> Option<Vec<Link>> {
    let built = Built::new(results);
    let mut parents: BTreeMap<&PackageName, Option<(&PackageName, Option<&str>)>> = BTreeMap::new();
    let mut queue: VecDeque<&PackageName> = VecDeque::new();
    for root in from.iter().filter_map(|name| graph.index().package(name.as_str())) {
        parents.insert(root, None);
        queue.push_back(root);
    }
    while let Some(current) = queue.pop_front() {
        if current == package {
            return Some(walk_back(&parents, current));
        }
        for (next, wanted) in needs(graph, &built, current) {
            parents.entry(next).or_insert_with(|| {
                queue.push_back(next);
                Some((current, wanted))
            });
        }
    }
    None
}

fn walk_back<'a>(parents: &BTreeMap<&'a PackageName, Option<(&'a PackageName, Option<&str>)>>, last: &'a PackageName) -> Vec<Link> {
    let mut links = Vec::new();
    let mut current = last;
    loop {
        let above = parents.get(current).copied().flatten();
        links.push(Link { package: current.clone(), wanted: above.and_then(|(_, wanted)| wanted).map(str::to_owned) });
        match above {
            Some((parent, _)) => current = parent,
            None => break,
        }
    }
    links.reverse();
    links
}

/// The packages that `package` needs, those it names first, each with the required capability.
fn needs<'a>(graph: &'a Graph, built: &Built<'a>, package: &'a PackageName) -> Vec<(&'a PackageName, Option<&'a str>)> {
    let mut needs: Vec<_> = graph.run_requires(package).map(|next| (next, None)).collect();
    let spec = graph.index().owner(package).and_then(|owner| graph.spec(owner));
    let content = spec.and_then(|folder| folder.spec.packages().find(|content| content.name == *package));
    let wishes = content.into_iter().flat_map(|content| &content.recommends);
    needs.extend(wishes.filter_map(|wish| graph.index().package(&wish.capability)).map(|next| (next, None)));
    let required = built.packages.get(package.as_str()).into_iter().flat_map(|package| &package.requires);
    needs.extend(required.filter_map(|wanted| {
        let name = capability(wanted);
        let provider = built.packages.get(name).or_else(|| built.packages.get(*built.providers.get(name)?.first()?))?;
        Some((&provider.name, (provider.name.as_str() != name).then_some(name)))
    }));
    needs
}

/// Built packages by name, and by what they provide.
struct Built<'a> {
    packages: HashMap<&'a str, &'a BuiltPackage>,
    providers: HashMap<&'a str, BTreeSet<&'a str>>,
}

impl<'a> Built<'a> {
    fn new(results: &'a Results) -> Self {
        let all = || results.values().flat_map(|result| &result.packages);
        let mut providers: HashMap<&str, BTreeSet<&str>> = HashMap::new();
        for package in all() {
            for provided in &package.provides {
                providers.entry(capability(provided)).or_default().insert(package.name.as_str());
            }
        }
        Self { packages: all().map(|package| (package.name.as_str(), package)).collect(), providers }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::action::{BuildResult, By};
    use crate::project::SpecFolder;
    use crate::spec;
    use base::diagnostic::SourceText;
    use base::digest::Digest;

    fn name(text: &str) -> PackageName {
        text.parse().unwrap()
    }

    fn graph() -> Graph {
        let specs = [("minimal", "run = [\"curl\"]\nweak = [\"docs\"]"), ("curl", "run = []"), ("zlib", "run = []"), ("docs", "run = []")];
        let folders = specs.map(|(spec, needs)| {
            let text =
                format!("[package]\nversion = \"1\"\nrelease = 1\nsummary = \"x\"\nlicense = \"MIT\"\n[requires]\n{needs}\n[build.none]\n");
            let source = Arc::new(SourceText { path: "package.toml".into(), text });
            let spec = spec::parse(&name(spec), "package.toml", &source.text).unwrap();
            (
                spec.name.clone(),
                SpecFolder { spec, source, path: "x".into(), files: BTreeMap::new(), workspace: crate::project::Workspace::default() },
            )
        });
        Graph::new(folders.into()).unwrap()
    }

    fn built(spec: &str, provides: &[&str], requires: &[&str]) -> (PackageName, BuildResult) {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        let package = BuiltPackage {
            name: name(spec),
            file_name: String::new(),
            object: Digest::of_bytes(spec),
            provides: texts(provides),
            requires: texts(requires),
            files: 0,
            installed_bytes: 0,
        };
        let key = Digest::of_bytes("key");
        let (fields, packages) = (BTreeMap::new(), vec![package]);
        (
            name(spec),
            BuildResult {
                spec: name(spec),
                key,
                fields,
                packages,
                elapsed_ms: 0,
                cpu_ms: 0,
                peak_memory_bytes: 0,
                by: By::Here,
                shared: None,
            },
        )
    }

    #[test]
    fn chains_follow_names_wishes_and_libraries() {
        let (graph, roots) = (graph(), [name("minimal")]);
        let results: Results = [built("curl", &[], &["libz.so.1()(64bit)"]), built("zlib", &["libz.so.1()(64bit) = 1"], &[])]
            .map(|(name, result)| (name, Arc::new(result)))
            .into();
        let found = chain(&graph, &results, &roots, &name("zlib")).unwrap();
        let shown: Vec<(&str, Option<&str>)> = found.iter().map(|link| (link.package.as_str(), link.wanted.as_deref())).collect();
        assert_eq!(shown, [("minimal", None), ("curl", None), ("zlib", Some("libz.so.1()(64bit)"))]);
        assert_eq!(chain(&graph, &results, &roots, &name("docs")).unwrap().len(), 2);
        assert_eq!(chain(&graph, &Results::new(), &roots, &name("zlib")), None, "libraries are known once packages are built");
    }
}
