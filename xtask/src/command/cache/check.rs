//! `cargo xtask cache check`

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;

use crate::cli::Context;
use crate::command::select;
use base::diagnostic::{ExitCode, Failure, Report};
use base::name::PackageName;
use builder::plan_with;
use planning::plan::{Plan, State};

/// Options of `cache check`.
#[derive(Args, Debug)]
pub struct Options {
    /// Packages to look for, with everything they need [default: all]
    packages: Vec<String>,
}

/// There is no cache to check.
#[derive(Debug, thiserror::Error)]
#[error("there is no cache to check")]
struct NoCaches;

impl Failure for NoCaches {
    fn hint(&self) -> Option<String> {
        Some("name one with --cache, or in a cache.toml with `use = true`".into())
    }

    fn exit(&self) -> ExitCode {
        ExitCode::Usage
    }
}

/// The results of the check.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Found {
    /// Numbers of results and sizes of their packages, by cache.
    caches: BTreeMap<String, Had>,
    /// Caches that did not answer.
    silent: Vec<String>,
    /// Number of results in the store.
    cached: usize,
    /// Number of results that are neither in the store nor used by anything that would be built.
    unused: usize,
    /// The packages that would be built.
    work: Vec<PackageName>,
}

#[derive(Default, Serialize)]
struct Had {
    results: usize,
    bytes: u64,
    builders: Vec<String>,
}

/// Shows what caches have of the project.
///
/// # Errors
/// Mistakes in the specs, unknown names, no cache. A cache that does not answer fails the command.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let graph = context.graph()?;
    let packages = select::packages(&graph, &options.packages)?;
    let store = context.store()?;
    let builder = context.caching_builder(&graph, &store)?;
    if builder.caching.caches.is_empty() {
        return Err(NoCaches.into());
    }
    let (plan, _) = plan_with(&builder, &packages)?;
    let found = found(&plan, &builder);
    let is_whole = found.silent.is_empty();
    if context.output.is_json() {
        context.output.document(&found);
    } else {
        context.output.text(&text(&found, plan.steps.len()));
    }
    Ok(if is_whole { ExitCode::Done } else { ExitCode::Failed })
}

fn found(plan: &Plan, builder: &builder::Builder<'_>) -> Found {
    let mut found = Found { caches: BTreeMap::new(), silent: builder.caching.caches.silent(), cached: 0, unused: 0, work: Vec::new() };
    for step in &plan.steps {
        match &step.state {
            State::Cached { .. } => found.cached += 1,
            State::Shared { key, bytes, cache } => {
                let had = found.caches.entry(cache.clone()).or_default();
                had.results += 1;
                had.bytes += bytes;
                for builder in builder.caching.caches.known(key).into_iter().flat_map(|offer| offer.builders) {
                    if !had.builders.contains(&builder) {
                        had.builders.push(builder);
                    }
                }
            }
            State::Unused { .. } => found.unused += 1,
            State::Build { .. } | State::Unknown => found.work.push(step.spec.clone()),
        }
    }
    found
}

fn text(found: &Found, all: usize) -> String {
    let mut text = String::new();
    for (cache, Had { results, bytes, builders }) in &found.caches {
        let mib = *bytes as f64 / f64::from(1 << 20);
        text += &format!("{cache}: {results} of {all} results, {mib:.1} MiB, signed by {}\n", builders.join(", "));
    }
    if found.caches.is_empty() && found.silent.is_empty() {
        text += "no cache has a result that is not at hand\n";
    }
    let work: Vec<&str> = found.work.iter().map(PackageName::as_str).collect();
    let built = if work.is_empty() { String::new() } else { format!(": {}", work.join(", ")) };
    let unused = if found.unused > 0 { format!(", {} unused", found.unused) } else { String::new() };
    text + &format!("{} at hand{unused}, {} to build or check{built}\n", found.cached, work.len())
}
