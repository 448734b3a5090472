//! `cargo xtask build PKG…`

use clap::Args;

use super::select;
use crate::cli::Context;
use base::diagnostic::{ExitCode, Report};

/// Options of `build`.
#[derive(Args, Debug)]
pub struct Options {
    /// Packages to build [default: all packages of the project]
    packages: Vec<String>,
}

/// Builds packages and prints their paths.
///
/// # Errors
/// Mistakes in the specs, unknown names, whatever could not be fetched or built.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let graph = context.graph()?;
    let packages = select::packages(&graph, &options.packages)?;
    if options.packages.is_empty() {
        context.output.message(&format!("building all {} packages\n", packages.len()));
    }
    let store = context.store()?;
    let mut builder = context.caching_builder(&graph, &store)?;
    let results = builder::build(&mut builder, &packages)?;
    if context.output.is_json() {
        context.output.document(&results);
    } else if !options.packages.is_empty() {
        let owners = packages.iter().filter_map(|package| graph.index().owner(package)).filter_map(|spec| results.get(spec));
        for package in owners.flat_map(|result| &result.packages) {
            if let Some(path) = store.object(&package.object) {
                context.output.text(&format!("{} {}\n", package.file_name, path.display()));
            }
        }
    }
    Ok(ExitCode::Done)
}
