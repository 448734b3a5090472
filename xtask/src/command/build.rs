//! `cargo xtask build PKG…`

use clap::Args;

use super::select;
use crate::cli::Context;
use crate::diagnostic::{ExitCode, Report};
use crate::executor::BuildError;
use crate::workshop::{self, BuildFailure};

/// Options of `build`.
#[derive(Args, Debug)]
pub struct Options {
    /// Packages to build [default: all]
    packages: Vec<String>,
}

/// Builds packages and prints where each lies.
///
/// # Errors
/// Mistakes in the specs, unknown names, whatever could not be fetched or built.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let graph = context.graph()?;
    let packages = select::packages(&graph, &options.packages)?;
    let store = context.store()?;
    let mut workshop = context.workshop(&graph, &store)?;
    let results = workshop::build(&mut workshop, &packages).inspect_err(|failure| show_failed_builds(context, failure))?;
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

/// Shows the last lines of every log whose build failed, so that the cause is seen without opening a file.
pub(super) fn show_failed_builds(context: &Context<'_>, failure: &BuildFailure) {
    let BuildFailure::Run(error) = failure else { return };
    for failed in &error.failures {
        if let BuildError::Failed { last_lines, .. } = failed {
            context.output.quoted(last_lines);
        }
        context.output.failure(failed);
    }
}
