//! `cargo xtask plan`

use std::fmt::Write as _;

use clap::Args;

use super::select;
use crate::cli::Context;
use crate::output;
use base::diagnostic::{ExitCode, Failure, Report};
use builder::{Builder, plan_with};
use planning::action::Results;
use planning::plan::{Basis, COSTS_FILE, Estimate, Plan, State};

/// Options of `plan`.
#[derive(Args, Debug)]
pub struct Options {
    /// Packages to plan for [default: all]
    packages: Vec<String>,
    /// Write the build times measured on this machine to `specs/costs.toml`, which estimates first builds on other machines
    #[arg(long, conflicts_with = "packages")]
    record_costs: bool,
}

/// Prints what is cached, what will be fetched or built, what nothing uses, and what depends on another build's output.
///
/// # Errors
/// Mistakes in the specs, unknown names; with `--record-costs` when nothing was built yet or the file cannot be written.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let graph = context.graph()?;
    let packages = select::packages(&graph, &options.packages)?;
    let store = context.store()?;
    let builder = context.caching_builder(&graph, &store)?;
    let (plan, results) = plan_with(&builder, &packages)?;
    if options.record_costs {
        return record_costs(context, &builder, &results);
    }
    if context.output.is_json() {
        context.output.document(&plan);
    } else {
        context.output.text(&text(&plan, builder.jobs));
    }
    Ok(ExitCode::Done)
}

fn record_costs(context: &Context<'_>, builder: &Builder<'_>, results: &Results) -> Result<ExitCode, Report> {
    let (costs, measured) = builder::current_costs(builder, results);
    if measured == 0 {
        return Err(NothingBuilt.into());
    }
    output::write(&context.root.join(COSTS_FILE), costs.to_toml().as_bytes())?;
    context.output.text(&format!("{COSTS_FILE}: {measured} of {} costs measured here\n", costs.cpu_seconds.len()));
    Ok(ExitCode::Done)
}

/// There is nothing to record.
#[derive(Debug, thiserror::Error)]
#[error("no package has been built with this store, so there are no costs to record")]
struct NothingBuilt;

impl Failure for NothingBuilt {
    fn hint(&self) -> Option<String> {
        Some("`cargo xtask build` builds all packages".into())
    }
}

/// A line for each spec, and a summary.
fn text(plan: &Plan, jobs: usize) -> String {
    let mut text = String::new();
    let width = plan.steps.iter().map(|step| step.spec.as_str().len()).max().unwrap_or(0);
    for step in &plan.steps {
        let (state, key) = match &step.state {
            State::Cached { key } => ("cached ", key.short()),
            State::Shared { key, .. } => ("shared ", key.short()),
            State::Unused { key } => ("unused ", key.short()),
            State::Build { key } => ("build  ", key.short()),
            State::Unknown => ("unknown", "depends on the output of its dependencies".into()),
        };
        let estimate = match (&step.state, &step.estimate) {
            (State::Shared { bytes, cache, .. }, _) => format!("  {} from `{cache}`", mib(*bytes)),
            (State::Cached { .. } | State::Unused { .. }, _) | (_, None) => String::new(),
            (_, Some(Estimate { elapsed_ms, basis: Basis::LastBuild, .. })) => format!("  last took {:.1} s", *elapsed_ms as f64 / 1000.0),
            (_, Some(Estimate { elapsed_ms, basis: Basis::RecordedCosts, .. })) => format!("  about {} s", elapsed_ms.div_ceil(1000)),
        };
        let _ = writeln!(text, "{state}  {:width$}  {key}{estimate}", step.spec.as_str());
    }
    let work = plan.work();
    let estimate = plan.estimate_ms(jobs).map(|ms| format!(", about {} min on {jobs} processors", ms.div_ceil(60_000))).unwrap_or_default();
    let (shared, bytes) = plan.shared();
    let from_caches = if shared > 0 { format!(", {shared} shared ({} to fetch)", mib(bytes)) } else { String::new() };
    let unused = plan.unused();
    let left_out = if unused > 0 { format!(", {unused} unused") } else { String::new() };
    let cached = plan.steps.len() - work - shared - unused;
    let _ = writeln!(text, "{work} to build or check, {cached} cached{from_caches}{left_out}{estimate}");
    text
}

fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
