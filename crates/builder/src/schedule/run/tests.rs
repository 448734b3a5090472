use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::schedule::Said;
use base::diagnostic::SourceText;
use base::digest::Digest;
use planning::action::{BuildResult, By};
use planning::project::SpecFolder;
use planning::spec;
use runtime::progress::Silent;

struct Pretend {
    begun: Mutex<Vec<PackageName>>,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
    fails: &'static str,
    cancel_in: &'static str,
    cancel: Cancel,
}

impl Pretend {
    fn new(fails: &'static str, cancel_in: &'static str) -> Self {
        Self {
            begun: Mutex::default(),
            at_once: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
            fails,
            cancel_in,
            cancel: Cancel::new(),
        }
    }
}

/// A spec that was built into no packages.
fn built(spec: &PackageName) -> Executed {
    let result = BuildResult {
        spec: spec.clone(),
        key: Digest::of_bytes(spec.as_str()),
        fields: BTreeMap::new(),
        packages: vec![],
        elapsed_ms: 1,
        cpu_ms: 1,
        peak_memory_bytes: 1,
        by: By::Here,
        shared: None,
    };
    Executed { result, was_cached: false, log: None }
}

impl Step for Pretend {
    fn execute(&self, spec: &PackageName, results: &Results) -> Result<Option<Executed>, BuildError> {
        let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(now, Ordering::SeqCst);
        self.begun.lock().unwrap().push(spec.clone());
        std::thread::sleep(std::time::Duration::from_millis(2));
        self.at_once.fetch_sub(1, Ordering::SeqCst);
        if spec.as_str() == self.cancel_in {
            self.cancel.raise();
        }
        if spec.as_str() == self.fails {
            return Err(BuildError::Failed {
                spec: spec.clone(),
                phase: "build".into(),
                end: "exit code 2".into(),
                log: "logs/b.log".into(),
                said: Box::new(Said { last_lines: vec!["it does not compile".into()], advice: None, by: By::Here }),
            });
        }
        if self.cancel.is_raised() {
            return Err(BuildError::Cancelled { spec: spec.clone() });
        }
        assert!(spec.as_str() != "d" || results.len() >= 2, "`d` began before what it builds on");
        Ok(Some(built(spec)))
    }
}

/// `d` builds on `b` and `c`, which build on `a`; `e` is independent.
fn graph() -> Graph {
    let specs = [("a", "[]"), ("b", "[\"a\"]"), ("c", "[\"a\"]"), ("d", "[\"b\", \"c\"]"), ("e", "[]")].map(|(name, build)| {
        let text = format!(
            "[package]\nversion = \"1\"\nrelease = 1\nsummary = \"x\"\nlicense = \"MIT\"\n[requires]\nbuild = {build}\n[build.none]\n"
        );
        let name: PackageName = name.parse().unwrap();
        let spec = spec::parse(&name, "package.toml", &text).unwrap();
        let source = Arc::new(SourceText { path: "package.toml".into(), text });
        (name, SpecFolder { spec, source, path: "x".into(), files: BTreeMap::new(), workspace: planning::project::Workspace::default() })
    });
    Graph::new(specs.into()).unwrap()
}

fn run_all(pretend: &Pretend, limits: Limits) -> Result<Results, RunError> {
    run_reporting(pretend, limits, &Silent)
}

fn run_reporting(pretend: &Pretend, limits: Limits, reporter: &dyn Reporter) -> Result<Results, RunError> {
    let graph = graph();
    let names: Vec<PackageName> = graph.specs().map(|(name, _)| name.clone()).collect();
    let order = graph.build_order(&names);
    let weight = |spec: &PackageName| Weight { elapsed_ms: if spec.as_str() == "e" { 1 } else { 10 }, memory_bytes: 10 };
    run(&graph, &order, weight, limits, pretend, reporter, &pretend.cancel)
}

#[test]
fn the_longest_chain_goes_first() {
    let pretend = Pretend::new("", "");
    let results = run_all(&pretend, Limits { builds: 1, memory_bytes: 100 }).unwrap();
    assert_eq!(results.len(), 5);
    let begun: Vec<String> = pretend.begun.lock().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(begun, ["a", "b", "c", "d", "e"]);
}

#[test]
fn memory_bounds_what_runs_at_once_and_never_blocks() {
    let pretend = Pretend::new("", "");
    run_all(&pretend, Limits { builds: 4, memory_bytes: 10 }).unwrap();
    assert_eq!(pretend.most_at_once.load(Ordering::SeqCst), 1);
    run_all(&pretend, Limits { builds: 4, memory_bytes: 1 }).unwrap();
}

/// Collects all events.
#[derive(Default)]
struct Kept(Mutex<Vec<Event>>);

impl Reporter for Kept {
    fn event(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

#[test]
fn a_failure_stops_only_what_builds_on_it_and_is_reported_once_with_its_log() {
    let (pretend, kept) = (Pretend::new("b", ""), Kept::default());
    let error = run_reporting(&pretend, Limits { builds: 2, memory_bytes: 100 }, &kept).unwrap_err();
    assert_eq!(error.to_string(), "1 package failed: b; 1 that builds on it was not tried: d");
    assert_eq!((error.hint(), error.exit()), (None, ExitCode::Failed));
    assert_eq!(pretend.begun.lock().unwrap().len(), 4);
    let events = kept.0.into_inner().unwrap();
    let failures: Vec<_> = events.iter().filter(|event| matches!(event, Event::Failed { .. })).collect();
    let [Event::Failed { unit, phase, log, failure: Some(failure), .. }] = &failures[..] else { panic!("{failures:?}") };
    assert_eq!((&**unit, phase.as_deref(), log.as_deref()), ("package b", Some("build"), Some("logs/b.log")));
    assert_eq!(failure.last_lines, ["it does not compile"]);
    assert!(failure.hint.as_ref().unwrap().contains("cargo xtask shell b"));
    assert!(events.contains(&Event::Skipped { unit: "package d".into(), because: "package b".into() }));
    let Some(Event::Ended { built: 3, cached: 0, failed: 1, skipped: 1, cpu_ms: 3, .. }) = events.last() else { panic!("{events:?}") };
    assert!(events.contains(&Event::Finished { unit: "package a".into(), outcome: Outcome::Built, elapsed_ms: 1 }), "{events:?}");
}

#[test]
fn nothing_new_begins_after_an_interrupt() {
    let pretend = Pretend::new("", "a");
    let error = run_all(&pretend, Limits { builds: 1, memory_bytes: 100 }).unwrap_err();
    assert!(error.failures.is_empty());
    assert_eq!(error.to_string(), "interrupted while building a, 4 not begun");
    assert_eq!(error.exit(), ExitCode::Interrupted);
    assert_eq!(pretend.begun.lock().unwrap().len(), 1);
}

/// A chain of specs, each of which builds on all before it.
fn tower(height: usize) -> Graph {
    let name = |number: usize| format!("s{number:04}").parse::<PackageName>().unwrap();
    let specs = (0..height).map(|number| {
        let below = if number == 0 { String::new() } else { format!("\"{}\"", name(number - 1)) };
        let text = format!(
            "[package]\nversion = \"1\"\nrelease = 1\nsummary = \"x\"\nlicense = \"MIT\"\n[requires]\nbuild = [{below}]\n[build.none]\n"
        );
        let spec = spec::parse(&name(number), "package.toml", &text).unwrap();
        let source = Arc::new(SourceText { path: "package.toml".into(), text });
        (
            name(number),
            SpecFolder { spec, source, path: "x".into(), files: BTreeMap::new(), workspace: planning::project::Workspace::default() },
        )
    });
    Graph::new(specs.collect()).unwrap()
}

/// Checks what each step is given, and keeps it.
#[derive(Default)]
struct Given(Mutex<BTreeMap<PackageName, Results>>);

impl Step for Given {
    fn execute(&self, spec: &PackageName, results: &Results) -> Result<Option<Executed>, BuildError> {
        self.0.lock().unwrap().insert(spec.clone(), results.clone());
        Ok(Some(built(spec)))
    }
}

#[test]
fn a_step_is_given_the_shared_results_below_it_and_no_others() {
    let graph = tower(300);
    let names: Vec<PackageName> = graph.specs().map(|(name, _)| name.clone()).collect();
    let given = Given::default();
    let limits = Limits { builds: 3, memory_bytes: 100 };
    let weight = |_: &PackageName| Weight { elapsed_ms: 1, memory_bytes: 1 };
    let results = run(&graph, &graph.build_order(&names), weight, limits, &given, &Silent, &Cancel::new()).unwrap();
    let given = given.0.into_inner().unwrap();
    for (at, name) in names.iter().enumerate() {
        assert!(given[name].keys().eq(&names[..at]), "{name}");
        assert!(given[name].iter().all(|(below, result)| Arc::ptr_eq(result, &results[below])), "{name}");
    }
}

/// Leaves `b` to another plan.
struct Leaves;

impl Step for Leaves {
    fn execute(&self, spec: &PackageName, _: &Results) -> Result<Option<Executed>, BuildError> {
        Ok((spec.as_str() != "b").then(|| built(spec)))
    }
}

#[test]
fn what_is_left_to_another_plan_is_no_failure_and_nothing_is_built_on_it() {
    let graph = graph();
    let names: Vec<PackageName> = graph.specs().map(|(name, _)| name.clone()).collect();
    let (limits, kept) = (Limits { builds: 2, memory_bytes: 100 }, Kept::default());
    let weight = |_: &PackageName| Weight { elapsed_ms: 1, memory_bytes: 1 };
    let results = run(&graph, &graph.build_order(&names), weight, limits, &Leaves, &kept, &Cancel::new()).unwrap();
    assert!(results.keys().map(PackageName::as_str).eq(["a", "c", "e"]), "{results:?}");
    let events = kept.0.into_inner().unwrap();
    assert!(matches!(events[..], [.., Event::Ended { built: 3, cached: 0, failed: 0, skipped: 0, .. }]), "{events:?}");
}
