//! `cargo xtask log PKG`

use std::fs;
use std::io;
use std::path::PathBuf;

use clap::Args;

use super::select;
use crate::cli::Context;
use base::diagnostic::{ExitCode, Failure, Report};

/// Options of `log`.
#[derive(Args, Debug)]
pub struct Options {
    /// The package
    package: String,
    /// Print the log's path instead of the log
    #[arg(long)]
    path: bool,
}

/// There is no log.
#[derive(Debug, thiserror::Error)]
#[error("there is no log of `{spec}` at `{}`", path.display())]
struct NoLog {
    spec: String,
    path: PathBuf,
    source: io::Error,
}

impl Failure for NoLog {
    fn hint(&self) -> Option<String> {
        Some(format!("`cargo xtask build {}` writes one", self.spec))
    }
}

/// Prints the log: unchanged to a file or a pipe, with control characters shown as escapes on a terminal.
///
/// # Errors
/// Unknown names, a package never built here.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let graph = context.graph()?;
    let package = select::package(&graph, &options.package)?;
    let spec = graph.index().owner(&package).unwrap_or(&package);
    let path = context.store()?.log(&format!("{spec}.log"));
    if options.path && context.output.is_json() {
        context.output.document(&serde_json::json!({ "spec": spec, "path": path }));
        return Ok(ExitCode::Done);
    }
    if options.path {
        context.output.text(&format!("{}\n", path.display()));
        return Ok(ExitCode::Done);
    }
    let bytes = fs::read(&path).map_err(|source| NoLog { spec: spec.to_string(), path: path.clone(), source })?;
    if context.output.is_json() {
        context.output.document(&serde_json::json!({ "spec": spec, "path": path, "log": String::from_utf8_lossy(&bytes) }));
    } else {
        context.output.file(&bytes);
    }
    Ok(ExitCode::Done)
}
