//! `cargo xtask cache check`

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;

use super::place::place;
use crate::cli::Context;
use crate::command::select;
use base::diagnostic::{ExitCode, Failure, Report};
use base::name::PackageName;
use builder::{Builder, plan_with};
use cache::place::PlaceError;
use cache::statement::SharedPackage;
use planning::plan::{Plan, State};
use runtime::workers::try_each;

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
    /// Files of packages that a cache lists and does not have, by cache.
    missing: BTreeMap<String, Vec<String>>,
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
/// Mistakes in the specs, unknown names, no cache. A cache that does not answer, or lacks packages of its results, fails the command.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let graph = context.graph()?;
    let packages = select::packages(&graph, &options.packages)?;
    let store = context.store()?;
    let builder = context.caching_builder(&graph, &store)?;
    if builder.caching.caches.is_empty() {
        return Err(NoCaches.into());
    }
    let (plan, _) = plan_with(&builder, &packages)?;
    let mut found = found(&plan, &builder);
    found.missing = missing(context, &plan, &builder)?;
    let is_whole = found.silent.is_empty() && found.missing.is_empty();
    if context.output.is_json() {
        context.output.document(&found);
    } else {
        context.output.text(&text(&found, plan.steps.len()));
    }
    Ok(if is_whole { ExitCode::Done } else { ExitCode::Failed })
}

fn found(plan: &Plan, builder: &Builder<'_>) -> Found {
    let mut found = Found {
        caches: BTreeMap::new(),
        silent: builder.caching.caches.silent(),
        cached: 0,
        unused: 0,
        work: Vec::new(),
        missing: BTreeMap::new(),
    };
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

/// Asks each cache whether it has the packages of the results that would be taken from it.
fn missing(context: &Context<'_>, plan: &Plan, builder: &Builder<'_>) -> Result<BTreeMap<String, Vec<String>>, Report> {
    let taken = plan.steps.iter().filter_map(|step| match &step.state {
        State::Shared { key, .. } => builder.caching.caches.known(key),
        State::Cached { .. } | State::Unused { .. } | State::Build { .. } | State::Unknown => None,
    });
    let mut by_cache: BTreeMap<String, Vec<SharedPackage>> = BTreeMap::new();
    for offer in taken {
        by_cache.entry(offer.cache).or_default().extend(offer.statement.packages);
    }
    let mut missing = BTreeMap::new();
    for (name, cache) in context.trust()?.chosen(&context.global.cache)? {
        let Some(packages) = by_cache.get(&name) else { continue };
        let place = place(context, &cache, &format!("cache {name}"))?;
        let lacks = |SharedPackage { package, size_bytes }: &SharedPackage| -> Result<Option<String>, PlaceError> {
            let is_known = builder.store.object(&package.object).is_some() || place.has(&package.object, *size_bytes)?;
            Ok((!is_known).then(|| package.file_name.clone()))
        };
        let files: Vec<String> = try_each(packages, CONNECTIONS, lacks)?.into_iter().flatten().collect();
        if !files.is_empty() {
            missing.insert(name, files);
        }
    }
    Ok(missing)
}

/// Questions asked at a time.
const CONNECTIONS: usize = 6;

fn text(found: &Found, all: usize) -> String {
    let mut text = String::new();
    for (cache, Had { results, bytes, builders }) in &found.caches {
        let mib = *bytes as f64 / f64::from(1 << 20);
        text += &format!("{cache}: {results} of {all} results, {mib:.1} MiB, signed by {}\n", builders.join(", "));
    }
    for (cache, files) in &found.missing {
        text += &format!(
            "{cache}: {} packages of these results are not there, {} first; who built them adds them with `cargo xtask cache push`\n",
            files.len(),
            files[0]
        );
    }
    if found.caches.is_empty() && found.silent.is_empty() {
        text += "no cache has a result that is not at hand\n";
    }
    let work: Vec<&str> = found.work.iter().map(PackageName::as_str).collect();
    let built = if work.is_empty() { String::new() } else { format!(": {}", work.join(", ")) };
    let unused = if found.unused > 0 { format!(", {} unused", found.unused) } else { String::new() };
    text + &format!("{} at hand{unused}, {} to build or check{built}\n", found.cached, work.len())
}
