//! Which packages of an image need which others of it.

use std::collections::{BTreeMap, BTreeSet};

use planning::action::{BuiltPackage, capability};
use planning::graph::Graph;

/// Packages of an image, and who provides what among them.
pub(super) struct Needs<'a> {
    graph: &'a Graph,
    installed: BTreeSet<&'a str>,
    built: &'a BTreeMap<&'a str, &'a BuiltPackage>,
    /// Capability without its version → packages.
    providers: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

impl<'a> Needs<'a> {
    /// The packages with the names `installed`, and those of them that were `built` here.
    pub(super) fn new(graph: &'a Graph, installed: BTreeSet<&'a str>, built: &'a BTreeMap<&'a str, &'a BuiltPackage>) -> Self {
        let mut providers: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (name, package) in built {
            let provided = package.provides.iter().map(|provided| capability(provided)).chain([*name]);
            for capability in provided {
                providers.entry(capability).or_default().insert(name);
            }
        }
        Self { graph, installed, built, providers }
    }

    /// The packages that `package` needs, as its spec says by name and as was found in its files; sorted.
    pub(super) fn of(&self, package: &str) -> Vec<String> {
        let named = self.graph.index().package(package).into_iter().flat_map(|name| self.graph.run_requires(name));
        let named = named.map(|name| name.as_str()).filter(|name| self.installed.contains(name));
        let required = self.built.get(package).into_iter().flat_map(|built| &built.requires);
        let found = required.filter_map(|needed| self.providers.get(capability(needed))).flatten().copied();
        let needed: BTreeSet<&str> = named.chain(found).filter(|needed| *needed != package).collect();
        needed.into_iter().map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use base::diagnostic::SourceText;
    use base::digest::Digest;
    use base::name::PackageName;
    use planning::project::{SpecFolder, Workspace};
    use planning::spec;

    fn folder(name: &str, run: &[&str]) -> (PackageName, SpecFolder) {
        let text = format!(
            "[package]\nversion = \"1\"\nrelease = 1\nsummary = \"x\"\nlicense = \"MIT\"\n[requires]\nrun = {run:?}\n[build.none]\n"
        );
        let name: PackageName = name.parse().unwrap();
        let spec = spec::parse(&name, "package.toml", &text).unwrap();
        let source = Arc::new(SourceText { path: "package.toml".into(), text });
        (name, SpecFolder { spec, source, path: "/".into(), files: BTreeMap::new(), workspace: Workspace::default() })
    }

    fn built(name: &str, provides: &[&str], requires: &[&str]) -> BuiltPackage {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        BuiltPackage {
            name: name.parse().unwrap(),
            file_name: format!("{name}-1-1.kn1.x86_64.rpm"),
            object: Digest::of_bytes(name),
            provides: texts(provides),
            requires: texts(requires),
            files: 1,
            installed_bytes: 1,
        }
    }

    #[test]
    fn what_is_named_and_what_is_found_in_files_is_needed() {
        let graph = Graph::new([folder("app", &["data", "absent"]), folder("lib", &[]), folder("data", &[]), folder("absent", &[])].into())
            .unwrap();
        let app = built("app", &["app = 1"], &["libz.so.1()(64bit)", "data = 1", "rtld(GNU_HASH)", "app = 1"]);
        let lib = built("lib", &["libz.so.1()(64bit)"], &[]);
        let packages = BTreeMap::from([("app", &app), ("lib", &lib)]);
        let needs = Needs::new(&graph, ["app", "lib", "data"].into(), &packages);
        for (package, expected) in [("app", &["data", "lib"][..]), ("lib", &[]), ("data", &[]), ("unknown", &[])] {
            assert_eq!(needs.of(package), expected, "{package}");
        }
    }
}
