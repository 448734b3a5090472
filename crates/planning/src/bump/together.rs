//! Specs whose versions belong together.

use std::collections::BTreeSet;

use crate::graph::Graph;
use crate::project::SpecFolder;
use crate::spec::Origin;
use base::name::PackageName;

/// The specs that have one version with `spec`, and itself: those with the same version of the same package of the Debian archive, and
/// kernels with the specs that compile them.
pub fn together(graph: &Graph, spec: &PackageName) -> BTreeSet<PackageName> {
    let mut found = BTreeSet::from([spec.clone()]);
    let mut pending: Vec<&SpecFolder> = graph.spec(spec).into_iter().collect();
    while let Some(folder) = pending.pop() {
        for (name, other) in graph.specs() {
            if !found.contains(name) && belong_together(graph, folder, other) {
                found.insert(name.clone());
                pending.push(other);
            }
        }
    }
    found
}

fn belong_together(graph: &Graph, one: &SpecFolder, other: &SpecFolder) -> bool {
    let compiles = |one: &SpecFolder, other: &SpecFolder| graph.compiled_from(other).spec.name == one.spec.name;
    let packages = |folder: &SpecFolder| -> BTreeSet<(String, String)> {
        folder.spec.sources.iter().flat_map(|source| &source.origins).filter_map(in_archive).collect()
    };
    let share_a_source = one.spec.version == other.spec.version && !packages(one).is_disjoint(&packages(other));
    share_a_source || compiles(one, other) || compiles(other, one)
}

/// Package and version of an origin in the archive.
fn in_archive(origin: &Origin) -> Option<(String, String)> {
    match origin {
        Origin::Debian { package, version, .. } | Origin::Deb { package, version, .. } => Some((package.clone(), version.clone())),
        Origin::Url { .. } | Origin::Crate { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::spec;
    use base::diagnostic::SourceText;

    fn folder(name: &str, more: &str) -> (PackageName, SpecFolder) {
        let text = format!("[package]\nversion = \"6.12\"\nrelease = 1\nsummary = \"x\"\nlicense = \"MIT\"\n{more}");
        let (name, path): (PackageName, _) = (name.parse().unwrap(), format!("specs/{name}/package.toml"));
        let spec = spec::parse(&name, &path, &text).unwrap();
        let source = Arc::new(SourceText { path: path.clone(), text });
        (name, SpecFolder { spec, source, path: path.into(), files: [].into(), workspace: crate::project::Workspace::default() })
    }

    fn objects(name: &str, flavour: &str, version: &str) -> (PackageName, SpecFolder) {
        let sha256 = "0".repeat(64);
        folder(
            name,
            &format!(
                "[[source]]\ndeb = \"linux-source_{version}_all.deb\"\nfrom = \"linux\"\npath = \"x.tar.xz\"\nsha256 = \"{sha256}\"\n\
                 [build.kernel-objects]\nflavour = \"{flavour}\"\n"
            ),
        )
    }

    fn kernel(name: &str, flavour: &str) -> (PackageName, SpecFolder) {
        folder(name, &format!("[requires]\nbuild = [\"{name}-objects\"]\n[build.kernel]\nflavour = \"{flavour}\"\n"))
    }

    #[test]
    fn kernels_and_what_shares_their_source_belong_together() {
        let specs = [
            kernel("a", "esx"),
            objects("a-objects", "esx", "6.12-1"),
            kernel("b", "generic"),
            objects("b-objects", "generic", "6.12-1"),
            objects("c-objects", "other", "6.12-2"),
            folder("d", "[build.none]\n"),
        ];
        let graph = Graph::new(specs.into()).unwrap();
        let of = |name: &str| together(&graph, &name.parse().unwrap()).into_iter().map(|name| name.to_string()).collect::<Vec<_>>();
        for name in ["a", "a-objects", "b", "b-objects"] {
            assert_eq!(of(name), ["a", "a-objects", "b", "b-objects"], "{name}");
        }
        assert_eq!(of("c-objects"), ["c-objects"]);
        assert_eq!(of("d"), ["d"]);
    }
}
