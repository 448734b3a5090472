use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::spec;
use base::diagnostic::SourceText;

fn folder(name: &str, build: &[&str], run: &[&str]) -> (PackageName, SpecFolder) {
    let text = format!(
        "[package]\nversion = \"1\"\nrelease = 1\nsummary = \"x\"\nlicense = \"MIT\"\n[requires]\nbuild = {build:?}\nrun = {run:?}\n[build.none]\n[subpackage.devel]\nsummary = \"x\"\nfiles = [\"/usr/include/**\"]\n"
    );
    let name: PackageName = name.parse().unwrap();
    let path = format!("specs/{name}/package.toml");
    let spec = spec::parse(&name, &path, &text).unwrap();
    (
        name,
        SpecFolder {
            spec,
            source: Arc::new(SourceText { path: path.clone(), text }),
            path: path.into(),
            files: BTreeMap::new(),
            workspace: crate::project::Workspace::default(),
        },
    )
}

/// The same with another version and build system.
fn kernel(name: &str, build: &[&str], version: &str, system: &str) -> (PackageName, SpecFolder) {
    let (name, mut folder) = folder(name, build, &[]);
    let text = folder.source.text.replace("version = \"1\"", &format!("version = \"{version}\"")).replace("[build.none]", system);
    folder.spec = spec::parse(&name, &folder.source.path, &text).unwrap();
    folder.source = Arc::new(SourceText { path: folder.source.path.clone(), text });
    (name, folder)
}

fn graph(specs: &[(&str, &[&str], &[&str])]) -> Result<Graph, Vec<String>> {
    Graph::new(specs.iter().map(|(name, build, run)| folder(name, build, run)).collect())
        .map_err(|problems| problems.iter().map(|problem| problem.message.clone()).collect())
}

fn name(text: &str) -> PackageName {
    text.parse().unwrap()
}

#[test]
fn kernels_are_made_of_objects_of_their_flavour_and_version() {
    let problems = |objects: &str, version: &str, needed: &[&str]| {
        let specs = [kernel("linux-objects", &[], version, objects), kernel("linux", needed, "6.12", "[build.kernel]\nflavour = \"esx\"")];
        match Graph::new(specs.into()) {
            Ok(graph) => {
                let folder = graph.spec(&name("linux")).unwrap();
                assert_eq!(graph.compiled_from(folder).spec.name.as_str(), "linux-objects");
                Vec::new()
            }
            Err(problems) => problems.iter().map(|problem| format!("{}:{}", problem.line_and_column().0, problem.message)).collect(),
        }
    };
    let esx = "[build.kernel-objects]\nflavour = \"esx\"";
    assert!(problems(esx, "6.12", &["linux-objects"]).is_empty());
    let none = ["10:the kernel of `linux` has no compiled objects of flavour `esx`"];
    assert_eq!(problems(esx, "6.12", &[]), none);
    assert_eq!(problems("[build.kernel-objects]\nflavour = \"rt\"", "6.12", &["linux-objects"]), none);
    assert_eq!(problems("[build.none]", "6.12", &["linux-objects"]), none);
    let newer = ["2:the kernel of `linux` has version 6.12, and `linux-objects` compiles version 6.13"];
    assert_eq!(problems(esx, "6.13", &["linux-objects"]), newer);
}

#[test]
fn run_time_needs_of_build_inputs_are_built_before() {
    let graph = graph(&[("app", &["lib-devel"], &[]), ("lib", &[], &["data"]), ("data", &[], &[]), ("other", &[], &[])]).unwrap();
    let app = name("app");
    let order: Vec<_> = graph.build_order([&app]).into_iter().map(PackageName::as_str).collect();
    assert_eq!(order, ["data", "lib", "app"]);
}

#[test]
fn run_time_needs_of_the_requested_packages_are_not_built() {
    let graph = graph(&[("app", &["lib-devel"], &["tool"]), ("lib", &[], &["data"]), ("data", &[], &[]), ("tool", &[], &[])]).unwrap();
    let app = name("app");
    let names = |order: Vec<&PackageName>| order.into_iter().map(|name| name.to_string()).collect::<Vec<_>>();
    assert_eq!(names(graph.build_order_without_run_needs([&app])), ["data", "lib", "app"]);
    assert_eq!(names(graph.build_order([&app])), ["data", "lib", "app", "tool"]);
}

#[test]
fn run_time_cycles_are_allowed_and_build_cycles_are_reported() {
    assert!(graph(&[("a", &[], &["b"]), ("b", &[], &["a"])]).is_ok());
    let problems = graph(&[("a", &["b"], &[]), ("b", &["c"], &[]), ("c", &["a"], &[])]).unwrap_err();
    assert_eq!(problems, ["these builds need each other: a → b → c → a"]);
    let problems = graph(&[("a", &["b"], &[]), ("b", &[], &["c"]), ("c", &["a"], &[])]).unwrap_err();
    assert!(problems[0].starts_with("these builds need each other: "), "{problems:?}");
}

#[test]
fn unknown_names_get_the_next_step() {
    let (key, app) = folder("app", &["zlib-devel", "zlip"], &["nothing-like-it"]);
    let (other, mut zlib) = folder("zlib", &[], &[]);
    zlib.spec.subpackages.clear();
    let problems = Graph::new([(key, app), (other, zlib)].into()).unwrap_err();
    let hints: Vec<_> = problems.iter().filter_map(|problem| problem.hint.clone()).collect();
    assert_eq!(
        hints,
        [
            "`specs/zlib` exists; add `[subpackage.devel]` there",
            "did you mean `zlib`?",
            "add `specs/nothing-like-it/package.toml`, or remove it here"
        ]
    );
}

proptest! {
    #[test]
    fn every_spec_comes_after_what_it_needs(edges in proptest::collection::vec((1usize..12, 0usize..12), 0..30)) {
        let names: Vec<String> = (0..12).map(|number| format!("p{number:02}")).collect();
        // Edges lead only from higher to lower numbers, so there is no cycle.
        let build: Vec<Vec<&str>> = (0..12)
            .map(|from| edges.iter().filter(|(a, b)| *a == from && b < a).map(|(_, b)| names[*b].as_str()).collect())
            .collect();
        let specs: Vec<(&str, &[&str], &[&str])> = (0..12).map(|at| (names[at].as_str(), &build[at][..], &[] as &[&str])).collect();
        let graph = graph(&specs).unwrap();
        let all: Vec<PackageName> = names.iter().map(|text| name(text)).collect();
        let order = graph.build_order(&all);
        prop_assert_eq!(order.len(), 12);
        for (at, spec) in order.iter().enumerate() {
            for edge in graph.build_edges(spec) {
                prop_assert!(order[..at].contains(&edge));
            }
        }
    }
}
