//! `cargo xtask why PKG`

use std::collections::BTreeSet;
use std::fmt::Write as _;

use clap::Args;

use super::select;
use crate::action::Fields;
use crate::cli::Context;
use crate::diagnostic::{ExitCode, Report};
use crate::plan::{State, World as _, fields_of, plan};

/// Options of `why`.
#[derive(Args, Debug)]
pub struct Options {
    /// The package
    package: String,
}

/// Says which part of a package's key changed since its last build, and which packages lead to it.
///
/// # Errors
/// Mistakes in the specs, unknown names.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let graph = context.graph()?;
    let package = select::package(&graph, &options.package)?;
    let spec = graph.index().owner(&package).cloned().unwrap_or_else(|| package.clone());
    let store = context.store()?;
    let workshop = context.workshop(&graph, &store)?;
    let (plan, results) = plan(&graph, [&spec], &workshop);
    let state = plan.steps.iter().find(|step| step.spec == spec).map(|step| step.state.clone());
    let now = fields_of(&graph, &spec, &workshop, &results);
    let record = workshop.record(&spec);
    let mut text = String::new();
    match (&state, &record) {
        (Some(State::Cached { .. }), _) => {
            let _ = writeln!(text, "`{spec}` is cached: nothing of its key has changed");
        }
        (_, None) => {
            let _ = writeln!(text, "`{spec}` was never built here");
        }
        (Some(State::Unknown), Some(_)) => {
            let _ = writeln!(text, "`{spec}` will be built again only if one of these comes out different:");
            let pending = graph.build_edges(&spec).into_iter().filter(|edge| !results.contains_key(*edge));
            pending.for_each(|edge| {
                let _ = writeln!(text, "  {edge}");
            });
        }
        (_, Some(record)) => {
            let _ = writeln!(text, "`{spec}` will be built again, because these changed:");
            changes(&record.fields, &now).for_each(|change| {
                let _ = writeln!(text, "  {change}");
            });
        }
    }
    let dependents: BTreeSet<&str> =
        graph.specs().filter(|(name, _)| graph.build_edges(name).contains(&spec)).map(|(name, _)| name.as_str()).collect();
    if !dependents.is_empty() {
        let _ = writeln!(text, "built on it: {}", dependents.into_iter().collect::<Vec<_>>().join(", "));
    }
    context.output.text(&text);
    Ok(ExitCode::Done)
}

/// What differs between two sets of key fields, one line each.
fn changes<'a>(before: &'a Fields, now: &'a Fields) -> impl Iterator<Item = String> + 'a {
    let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let short = |value: &String| value.chars().take(12).collect::<String>();
    names.into_iter().filter_map(move |name| match (before.get(name), now.get(name)) {
        (Some(old), Some(new)) if old != new => Some(format!("{name}: {} is now {}", short(old), short(new))),
        (Some(_), None) => Some(format!("{name}: gone")),
        (None, Some(_)) => Some(format!("{name}: new")),
        _ => None,
    })
}
