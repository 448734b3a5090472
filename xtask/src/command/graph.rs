//! `cargo xtask graph`

use std::fmt::Write as _;

use clap::Args;

use super::select;
use crate::cli::Context;
use crate::diagnostic::{ExitCode, Report};

/// Options of `graph`.
#[derive(Args, Debug)]
pub struct Options {
    /// Packages whose needs are drawn [default: all]
    packages: Vec<String>,
}

/// Prints specs and what they build on, for Graphviz.
///
/// # Errors
/// Mistakes in the specs, unknown names.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let graph = context.graph()?;
    let packages = select::packages(&graph, &options.packages)?;
    let mut text = String::from("digraph kaon {\n  rankdir = LR;\n  node [shape = box, fontname = \"sans-serif\"];\n");
    for spec in graph.build_order(&packages) {
        let _ = writeln!(text, "  \"{spec}\";");
        for edge in graph.build_edges(spec) {
            let _ = writeln!(text, "  \"{spec}\" -> \"{edge}\";");
        }
    }
    text.push_str("}\n");
    context.output.text(&text);
    Ok(ExitCode::Done)
}
