//! `cargo xtask list`

use std::fmt::Write as _;

use crate::cli::Context;
use base::diagnostic::{ExitCode, Report};

/// Lists every package with its version and summary.
///
/// # Errors
/// Mistakes in the specs.
pub fn run(context: &Context<'_>) -> Result<ExitCode, Report> {
    let graph = context.graph()?;
    let mut rows = Vec::new();
    for (_, folder) in graph.specs() {
        for content in folder.spec.packages() {
            rows.push((content.name.to_string(), folder.spec.evr(), folder.spec.name.to_string(), content.summary.clone()));
        }
    }
    rows.sort();
    if context.output.is_json() {
        let objects: Vec<_> = rows
            .iter()
            .map(|(name, evr, spec, summary)| serde_json::json!({ "name": name, "version": evr, "spec": spec, "summary": summary }))
            .collect();
        context.output.document(&objects);
        return Ok(ExitCode::Done);
    }
    let width = |column: fn(&(String, String, String, String)) -> usize| rows.iter().map(column).max().unwrap_or(0);
    let (names, versions) = (width(|row| row.0.len()), width(|row| row.1.len()));
    let mut text = String::new();
    for (name, evr, _, summary) in &rows {
        let _ = writeln!(text, "{name:names$}  {evr:versions$}  {summary}");
    }
    context.output.text(&text);
    Ok(ExitCode::Done)
}
