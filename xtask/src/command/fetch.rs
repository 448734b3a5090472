//! `cargo xtask fetch`

use clap::Args;

use super::select;
use crate::cli::Context;
use base::diagnostic::{ExitCode, Failure, Report};
use sdk::LayerName;

/// Options of `fetch`.
#[derive(Args, Debug)]
pub struct Options {
    /// Packages to fetch the sources and SDK layers for, including those of everything they build on [default: all packages, all layers]
    packages: Vec<String>,
}

/// Fetches what builds of the packages need, so that they need no network. Without names, fetches every source and every SDK layer,
/// including those for writing and testing images.
///
/// # Errors
/// Mistakes in the specs, unknown names, whatever could not be fetched.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let graph = context.graph()?;
    let packages = select::packages(&graph, &options.packages)?;
    let store = context.store()?;
    let mut builder = context.builder(&graph, &store)?;
    let specs = graph.build_order(&packages);
    let layers = if options.packages.is_empty() { builder.sdk.layers() } else { builder.layers_of(specs.iter().copied()) };
    let (sources, failures) = builder::fetch(&mut builder, &specs, &layers)?;
    failures.iter().for_each(|failure| context.output.failure(failure));
    if failures.is_empty() && context.output.is_json() {
        let layers: Vec<String> = layers.iter().map(LayerName::to_string).collect();
        context.output.document(&serde_json::json!({ "layers": layers, "sources": sources }));
    }
    Ok(failures.first().map_or(ExitCode::Done, Failure::exit))
}
