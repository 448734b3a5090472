//! `cargo xtask plan`

use std::fmt::Write as _;

use clap::Args;

use super::select;
use crate::cli::Context;
use crate::diagnostic::{ExitCode, Report};
use crate::plan::{Plan, State, plan};

/// Options of `plan`.
#[derive(Args, Debug)]
pub struct Options {
    /// Packages to plan for [default: all]
    packages: Vec<String>,
}

/// Prints what is cached, what will be built and what depends on an output.
///
/// # Errors
/// Mistakes in the specs, unknown names.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let graph = context.graph()?;
    let packages = select::packages(&graph, &options.packages)?;
    let store = context.store()?;
    let workshop = context.workshop(&graph, &store)?;
    let (plan, _) = plan(&graph, &packages, &workshop);
    if context.output.is_json() {
        context.output.document(&plan);
    } else {
        context.output.text(&text(&plan, workshop.jobs));
    }
    Ok(ExitCode::Done)
}

/// A line for each spec, and a sum.
fn text(plan: &Plan, jobs: usize) -> String {
    let mut text = String::new();
    let width = plan.steps.iter().map(|step| step.spec.as_str().len()).max().unwrap_or(0);
    for step in &plan.steps {
        let (state, key) = match &step.state {
            State::Cached { key } => ("cached ", key.short()),
            State::Build { key } => ("build  ", key.short()),
            State::Unknown => ("unknown", "depends on the output of what it builds on".into()),
        };
        let estimate = match (&step.state, step.estimate_ms) {
            (State::Cached { .. }, _) | (_, None) => String::new(),
            (_, Some(ms)) => format!("  last took {:.1} s", ms as f64 / 1000.0),
        };
        let _ = writeln!(text, "{state}  {:width$}  {key}{estimate}", step.spec.as_str());
    }
    let work = plan.work();
    let estimate = plan.estimate_ms(jobs).map(|ms| format!(", about {} min on {jobs} processors", ms.div_ceil(60_000))).unwrap_or_default();
    let _ = writeln!(text, "{work} to build or check, {} cached{estimate}", plan.steps.len() - work);
    text
}
