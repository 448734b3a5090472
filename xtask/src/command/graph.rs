//! `cargo xtask graph`

use std::fmt::Write as _;

use clap::Args;
use serde::Serialize;

use super::select;
use crate::cli::Context;
use base::diagnostic::{ExitCode, Report};
use base::name::PackageName;

/// Options of `graph`.
#[derive(Args, Debug)]
pub struct Options {
    /// Packages whose dependencies are drawn [default: all]
    packages: Vec<String>,
}

/// A spec in the graph.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Node<'a> {
    spec: &'a PackageName,
    builds_on: Vec<&'a PackageName>,
}

/// Prints specs and their build inputs, for Graphviz or as JSON, in build order.
///
/// # Errors
/// Mistakes in the specs, unknown names.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let graph = context.graph()?;
    let packages = select::packages(&graph, &options.packages)?;
    if context.output.is_json() {
        let node = |spec| Node { spec, builds_on: graph.build_edges(spec).into_iter().collect() };
        context.output.document(&graph.build_order(&packages).into_iter().map(node).collect::<Vec<_>>());
        return Ok(ExitCode::Done);
    }
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
