//! `cargo xtask fetch`

use clap::Args;

use super::select;
use crate::cli::Context;
use base::diagnostic::{ExitCode, Failure, Report};
use sdk::source::Fetcher;

/// Options of `fetch`.
#[derive(Args, Debug)]
pub struct Options {
    /// Packages whose sources are wanted, with all they build on [default: all]
    packages: Vec<String>,
}

/// Fetches every SDK layer and the sources of packages, so that a build needs no network.
///
/// # Errors
/// Mistakes in the specs, unknown names, whatever could not be fetched.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let graph = context.graph()?;
    let packages = select::packages(&graph, &options.packages)?;
    let store = context.store()?;
    let mut workshop = context.workshop(&graph, &store)?;
    let layers = workshop.sdk.layers();
    workshop.sdk.ensure(&store, &workshop.settings, &layers, &*context.reporter, &context.cancel)?;
    let specs = graph.build_order(&packages);
    let sources: Vec<_> = specs.iter().filter_map(|spec| graph.spec(spec)).flat_map(|folder| &folder.spec.sources).collect();
    let fetcher = Fetcher::new(&store, &workshop.settings, &*context.reporter, &context.cancel);
    let failures = fetcher.fetch_all(&sources);
    failures.iter().for_each(|failure| context.output.failure(failure));
    if failures.is_empty() && context.output.is_json() {
        let layers: Vec<String> = layers.iter().map(ToString::to_string).collect();
        context.output.document(&serde_json::json!({ "layers": layers, "sources": sources.len() }));
    }
    Ok(failures.first().map_or(ExitCode::Done, Failure::exit))
}
