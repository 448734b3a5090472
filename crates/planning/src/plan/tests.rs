use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::*;
use crate::action::{BuiltPackage, By, key_of};
use crate::project::SpecFolder;
use crate::spec;
use base::diagnostic::SourceText;

/// A world whose builds have the output that the test defines.
#[derive(Default)]
struct Pretend {
    results: Mutex<BTreeMap<Digest, BuildResult>>,
    layer: String,
}

impl World for Pretend {
    fn layers(&self, _: &[String]) -> Vec<(String, Digest)> {
        vec![("base".into(), Digest::of_bytes(&self.layer))]
    }

    fn extra_inputs(&self, _: &PackageName) -> BTreeMap<String, Digest> {
        BTreeMap::new()
    }

    fn result(&self, _: &PackageName, key: &Digest) -> Option<BuildResult> {
        self.results.lock().unwrap().get(key).cloned()
    }

    fn record(&self, _: &PackageName) -> Option<Record> {
        None
    }
}

impl Pretend {
    /// Builds everything that is not cached, in order; `output` names the output of a spec.
    fn build(&self, graph: &Graph, root: &PackageName, output: impl Fn(&PackageName) -> String) -> Vec<String> {
        let (plan, mut results) = plan(graph, [root], self);
        let mut built = Vec::new();
        for step in plan.steps {
            let fields = fields_of(graph, &step.spec, self, &results);
            let key = key_of(&fields);
            let result = self.result(&step.spec, &key).unwrap_or_else(|| {
                built.push(step.spec.to_string());
                let package = BuiltPackage {
                    name: step.spec.clone(),
                    file_name: format!("{}.rpm", step.spec),
                    object: Digest::of_bytes(output(&step.spec)),
                    provides: vec![],
                    requires: vec![],
                    files: 1,
                    installed_bytes: 1,
                };
                BuildResult {
                    spec: step.spec.clone(),
                    key,
                    fields,
                    packages: vec![package],
                    elapsed_ms: 1,
                    cpu_ms: 1,
                    peak_memory_bytes: 1,
                    by: By::Here,
                    shared: None,
                }
            });
            self.results.lock().unwrap().insert(key, result.clone());
            results.insert(step.spec, Arc::new(result));
        }
        built
    }
}

fn graph(edit: impl Fn(&str, String) -> String) -> Graph {
    let specs = [("zlib", "[]"), ("curl", "[\"zlib\"]"), ("app", "[\"curl\"]")].map(|(name, build)| {
        let text = format!(
            "[package]\nversion = \"1\"\nrelease = 1\nsummary = \"x\"\nlicense = \"MIT\"\n[[source]]\nurl = \"https://example.org/a/{name}.tar\"\nsha256 = \"{}\"\n[requires]\nbuild = {build}\n[build.make]\n",
            Digest::of_bytes(name)
        );
        let text = edit(name, text);
        let name: PackageName = name.parse().unwrap();
        let spec = spec::parse(&name, "package.toml", &text).unwrap();
        let source = Arc::new(SourceText { path: "package.toml".into(), text });
        (name, SpecFolder { spec, source, path: "x".into(), files: BTreeMap::new(), workspace: crate::project::Workspace::default() })
    });
    Graph::new(specs.into()).unwrap()
}

fn edited(from: &'static str, to: &'static str) -> Graph {
    graph(move |name, text| if name == "zlib" { text.replace(from, to) } else { text })
}

#[test]
fn only_what_changed_is_built_again() {
    let app: PackageName = "app".parse().unwrap();
    let world = Pretend::default();
    let same = |spec: &PackageName| spec.to_string();
    assert_eq!(world.build(&graph(|_, text| text), &app, same), ["zlib", "curl", "app"]);
    assert!(world.build(&graph(|_, text| text), &app, same).is_empty());
    assert!(world.build(&edited("[package]", "# a comment\n[package]"), &app, same).is_empty(), "a comment");
    assert!(world.build(&edited("example.org/a", "mirror.example.org"), &app, same).is_empty(), "a moved mirror");
    assert_eq!(world.build(&edited("release = 1", "release = 2"), &app, same), ["zlib"], "early cutoff");
    assert_eq!(world.build(&edited("release = 1", "release = 3"), &app, |spec| format!("{spec} anew")), ["zlib", "curl", "app"]);
}

#[test]
fn another_sdk_builds_all_again() {
    let app: PackageName = "app".parse().unwrap();
    let mut world = Pretend::default();
    world.build(&graph(|_, text| text), &app, |spec| spec.to_string());
    world.layer = "newer".into();
    assert_eq!(world.build(&graph(|_, text| text), &app, |spec| spec.to_string()).len(), 3);
}

#[test]
fn specs_that_depend_on_an_output_are_unknown() {
    let app: PackageName = "app".parse().unwrap();
    let (plan, _) = plan(&graph(|_, text| text), [&app], &Pretend::default());
    let states: Vec<_> = plan.steps.iter().map(|step| matches!(step.state, State::Unknown)).collect();
    assert_eq!(states, [false, true, true]);
}

/// A world without results, with costs of specs.
struct Costly(Costs);

impl World for Costly {
    fn layers(&self, _: &[String]) -> Vec<(String, Digest)> {
        Vec::new()
    }

    fn extra_inputs(&self, _: &PackageName) -> BTreeMap<String, Digest> {
        BTreeMap::new()
    }

    fn result(&self, _: &PackageName, _: &Digest) -> Option<BuildResult> {
        None
    }

    fn record(&self, spec: &PackageName) -> Option<Record> {
        (spec.as_str() == "zlib").then(|| Record { fields: Fields::new(), elapsed_ms: 70_000, cpu_ms: 0, peak_memory_bytes: 1 })
    }

    fn expected(&self, spec: &PackageName) -> Option<Estimate> {
        self.0.estimate(spec, 1.0, 2)
    }
}

#[test]
fn the_first_plan_has_estimates_and_a_record_of_this_machine_comes_first() {
    let app: PackageName = "app".parse().unwrap();
    let costs = Costs { sample_us: None, cpu_seconds: [("app", 30), ("zlib", 5)].map(|(spec, cost)| (spec.parse().unwrap(), cost)).into() };
    let (planned, _) = plan(&graph(|_, text| text), [&app], &Costly(costs));
    let found: Vec<_> = planned.steps.iter().map(|step| step.estimate.map(|it| (it.basis, it.cpu_ms, it.elapsed_ms)).unwrap()).collect();
    assert_eq!(found, [(Basis::LastBuild, 70_000, 70_000), (Basis::RecordedCosts, 30_000, 20_000), (Basis::RecordedCosts, 30_000, 20_000)]);
    assert_eq!(planned.estimate_ms(1), Some(130_000));
    assert_eq!(planned.estimate_ms(64), Some(70_000), "never shorter than the longest build");
    let (unknown, _) = plan(&graph(|_, text| text), [&app], &Pretend::default());
    assert_eq!(unknown.estimate_ms(1), None);
}
