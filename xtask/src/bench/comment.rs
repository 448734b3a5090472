//! What a comment in a spec rebuilds.

use std::fs;
use std::path::Path;

use super::copy::copy_project;
use super::{Bench, BenchError, Figure, Goal};
use base::name::PackageName;
use builder::{Builder, Kernels};
use planning::graph::Graph;
use planning::plan::{Plan, State, plan};
use sdk::Sdk;

/// The spec that is commented: nearly everything builds on it.
const SPEC: &str = "zlib";

/// Plans a copy of the project before and after a comment, with the same store.
pub fn run(bench: &Bench<'_>) -> Result<Vec<Figure>, BenchError> {
    let scratch = bench.builder.store.scratch("bench-comment").map_err(BenchError::around)?;
    let copy = scratch.path();
    copy_project(bench.root, copy)?;
    let before = states(bench, copy)?;
    let spec = copy.join("specs").join(SPEC).join("package.toml");
    let text = fs::read_to_string(&spec).map_err(BenchError::io("read", &spec))?;
    fs::write(&spec, format!("# A comment.\n{text}# Another.\n")).map_err(BenchError::io("write", &spec))?;
    let after = states(bench, copy)?;
    let state = |plan: &Plan| plan.steps.iter().find(|step| step.spec.as_str() == SPEC).map(|step| step.state.clone());
    if !matches!(state(&before), Some(State::Cached { .. })) {
        return Err(BenchError::NotBuilt { what: format!("package `{SPEC}`"), next: format!("cargo xtask build {SPEC}") });
    }
    let changed = before.steps.iter().zip(&after.steps).filter(|(before, after)| before != after).count();
    Ok(vec![Figure::with_goal(format!("comment: packages built again for one in `{SPEC}`"), changed as f64, "packages", Goal::AtMost(0.0))])
}

/// The plan for everything, of the project in `root`.
fn states(bench: &Bench<'_>, root: &Path) -> Result<Plan, BenchError> {
    let graph = Graph::new(planning::project::load_specs(&root.join("specs")).map_err(BenchError::around)?).map_err(BenchError::around)?;
    let known = &bench.builder;
    let builder = Builder {
        kernels: Kernels::load(&graph, root, &known.keys)?,
        sdk: Sdk::load(root).map_err(BenchError::around)?,
        settings: known.settings.clone(),
        keys: known.keys.clone(),
        jobs: known.jobs,
        store: known.store,
        reporter: known.reporter,
        cancel: known.cancel.clone(),
        graph: &graph,
        caching: builder::Caching::default(),
        farm: None,
        costs: Default::default(),
    };
    let all: Vec<PackageName> = graph.main_packages().cloned().collect();
    Ok(plan(&graph, &all, &builder).0)
}
