//! Packages named on the command line.

use std::collections::BTreeSet;

use base::diagnostic::{ExitCode, Failure};
use base::document::nearest;
use base::name::PackageName;
use planning::graph::Graph;

/// Names on the command line that stand for nothing.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.message())]
pub struct UnknownPackages {
    /// The names, in the order given; at least one.
    names: Vec<String>,
    /// The packages whose names are near one of them, sorted.
    nearest: Vec<String>,
}

impl UnknownPackages {
    fn new(graph: &Graph, names: Vec<String>) -> Self {
        let known = || graph.index().packages().map(PackageName::as_str);
        let nearest: BTreeSet<&str> = names.iter().filter_map(|name| nearest(name, known())).collect();
        Self { nearest: nearest.into_iter().map(str::to_owned).collect(), names }
    }

    fn message(&self) -> String {
        let words = if self.names.len() == 1 { "is no package" } else { "are no packages" };
        format!("there {words} {}", quoted(&self.names))
    }
}

impl Failure for UnknownPackages {
    fn hint(&self) -> Option<String> {
        if self.nearest.is_empty() {
            return Some("`cargo xtask list` names them all".into());
        }
        Some(format!("did you mean {}?", quoted(&self.nearest)))
    }

    fn exit(&self) -> ExitCode {
        ExitCode::Usage
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The packages with these names; all of them where no name is given.
///
/// # Errors
/// All names nobody provides, with the nearest ones.
pub fn packages(graph: &Graph, names: &[String]) -> Result<Vec<PackageName>, UnknownPackages> {
    if names.is_empty() {
        return Ok(graph.specs().map(|(name, _)| name.clone()).collect());
    }
    let (known, unknown): (Vec<_>, Vec<_>) =
        names.iter().map(|name| (name, graph.index().package(name))).partition(|(_, found)| found.is_some());
    if unknown.is_empty() {
        return Ok(known.into_iter().filter_map(|(_, found)| found).cloned().collect());
    }
    Err(UnknownPackages::new(graph, unknown.into_iter().map(|(name, _)| name.clone()).collect()))
}

/// The package with this name.
///
/// # Errors
/// When nobody provides it.
pub fn package(graph: &Graph, name: &str) -> Result<PackageName, UnknownPackages> {
    graph.index().package(name).cloned().ok_or_else(|| UnknownPackages::new(graph, vec![name.to_owned()]))
}
