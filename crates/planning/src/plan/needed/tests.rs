use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::action::{BuildResult, BuiltPackage, By, Fields, Record};
use crate::graph::Graph;
use crate::plan::{Goal, Shared, State, World, plan_specs};
use crate::project::{SpecFolder, Workspace};
use crate::spec;
use base::diagnostic::SourceText;
use base::digest::Digest;
use base::name::PackageName;

/// A world in which each spec has one package that is the same each time.
#[derive(Default)]
struct Pretend {
    whole: &'static str,
    known: &'static str,
    offered: &'static str,
    /// What the package `app` requires.
    required: &'static str,
    /// What caches were asked for.
    asked: Mutex<Vec<String>>,
}

impl Pretend {
    fn result(&self, among: &str, spec: &PackageName, key: &Digest) -> Option<BuildResult> {
        let required = if spec.as_str() == "app" { self.required } else { "" };
        let package = BuiltPackage {
            name: spec.clone(),
            file_name: format!("{spec}.rpm"),
            object: Digest::of_bytes(spec.as_str()),
            provides: vec![format!("lib{spec}.so = 1")],
            requires: required.split_whitespace().map(str::to_owned).collect(),
            files: 1,
            installed_bytes: 1,
        };
        among.split(' ').any(|name| name == spec.as_str()).then(|| BuildResult {
            spec: spec.clone(),
            key: *key,
            fields: Fields::new(),
            packages: vec![package],
            elapsed_ms: 1,
            cpu_ms: 1,
            peak_memory_bytes: 1,
            by: By::Here,
            shared: None,
        })
    }
}

impl World for Pretend {
    fn layers(&self, _: &[String]) -> Vec<(String, Digest)> {
        Vec::new()
    }

    fn extra_inputs(&self, _: &PackageName) -> BTreeMap<String, Digest> {
        BTreeMap::new()
    }

    fn result(&self, spec: &PackageName, key: &Digest) -> Option<BuildResult> {
        Self::result(self, self.whole, spec, key)
    }

    fn known(&self, spec: &PackageName, key: &Digest) -> Option<BuildResult> {
        Self::result(self, self.known, spec, key)
    }

    fn shared(&self, wanted: &[(&PackageName, Digest)]) -> Vec<Option<Shared>> {
        self.asked.lock().unwrap().extend(wanted.iter().map(|(spec, _)| spec.to_string()));
        let offer = |result| Shared { result, bytes: 1, cache: "cache".into() };
        wanted.iter().map(|(spec, key)| Self::result(self, self.offered, spec, key).map(offer)).collect()
    }

    fn record(&self, _: &PackageName) -> Option<Record> {
        None
    }
}

/// `app` builds on `lib` and `kernel`, that on `objects`, and that on `base`; `app` wishes for `weak` in an image.
fn graph(weak: &str) -> Graph {
    let specs = [("base", ""), ("objects", "\"base\""), ("kernel", "\"objects\""), ("lib", ""), ("app", "\"lib\", \"kernel\"")];
    let folders = specs.map(|(name, build)| {
        let weak = if name == "app" { weak } else { "" };
        let text = format!(
            "[package]\nversion = \"1\"\nrelease = 1\nsummary = \"x\"\nlicense = \"MIT\"\n[requires]\nbuild = [{build}]\nweak = [{weak}]\n[build.none]\n"
        );
        let name: PackageName = name.parse().unwrap();
        let spec = spec::parse(&name, "package.toml", &text).unwrap();
        let source = Arc::new(SourceText { path: "package.toml".into(), text });
        (name, SpecFolder { spec, source, path: "x".into(), files: BTreeMap::new(), workspace: Workspace::default() })
    });
    Graph::new(folders.into()).unwrap()
}

/// The first letters of the states of `base objects kernel lib app`.
fn states(graph: &Graph, goal: Goal<'_>, world: &Pretend) -> String {
    let all = ["base", "objects", "kernel", "lib", "app"].map(|name| name.parse::<PackageName>().unwrap());
    let order: Vec<&PackageName> = all.iter().collect();
    let (plan, _) = plan_specs(graph, &order, goal, world);
    let letter = |state: &State| match state {
        State::Cached { .. } => 'c',
        State::Shared { .. } => 's',
        State::Build { .. } => 'b',
        State::Unused { .. } => '-',
        State::Unknown => '?',
    };
    plan.steps.iter().map(|step| letter(&step.state)).collect()
}

#[test]
fn only_what_is_asked_for_or_laid_into_builds_is_fetched_or_built() {
    const ALL: &str = "base objects kernel lib app";
    for (what, whole, known, offered, expected) in [
        ("everything is offered", "", "", ALL, "---ss"),
        ("a later run without the cache", "lib app", "base objects kernel", "", "---cc"),
        ("`app` changed, with the cache", "lib", "base objects kernel", "base objects kernel lib", "--scb"),
        ("`app` changed, without it", "lib", "base objects kernel", "", "bbbcb"),
        ("what it builds on is there", "lib kernel", "base objects", "", "--ccb"),
        ("the cache lost `kernel` of which the content is known", "", "kernel", "base objects lib", "-sbsb"),
        ("the cache lost what was only built on", "", "base objects", "kernel lib app", "---ss"),
        ("what was asked for is only known", "", ALL, "", "bbbbb"),
        ("`kernel` changed: all that `app` may be built on is taken", "", "", "base objects lib", "ssbs?"),
        ("`kernel` changed: and it is not built before that is certain", "", "base objects lib", "", "bbb-?"),
        ("nothing is there", "", "", "", "b??b?"),
    ] {
        let world = Pretend { whole, known, offered, required: "liblib.so", ..Pretend::default() };
        let app = ["app".parse().unwrap()];
        assert_eq!(states(&graph(""), Goal::Run(&app), &world), expected, "{what}");
    }
}

#[test]
fn a_goal_is_what_is_needed_at_run_time() {
    let app = ["app".parse().unwrap()];
    for (what, goal, weak, required, expected) in [
        ("a library", Goal::Run(&app), "", "liblib.so", "---ss"),
        ("nothing", Goal::Run(&app), "", "", "----s"),
        ("a wish that can be fulfilled", Goal::Run(&app), "\"kernel\"", "", "--s-s"),
        ("a file, which may be in any package", Goal::Run(&app), "", "/usr/bin/tool", "sssss"),
        ("only the package itself", Goal::Only(&app), "", "liblib.so", "----s"),
        ("everything", Goal::Everything, "", "", "sssss"),
    ] {
        let world = Pretend { offered: "base objects kernel lib app", required, ..Pretend::default() };
        assert_eq!(states(&graph(weak), goal, &world), expected, "{what}");
    }
}

#[test]
fn caches_are_asked_only_for_what_is_needed_and_not_known() {
    let app = ["app".parse().unwrap()];
    let world = Pretend { whole: "lib", known: "base objects kernel", offered: "base objects kernel", ..Pretend::default() };
    assert_eq!(states(&graph(""), Goal::Run(&app), &world), "--scb");
    assert_eq!(*world.asked.lock().unwrap(), ["app", "kernel"]);
}
