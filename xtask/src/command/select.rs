//! Packages named on the command line.

use crate::diagnostic::{ExitCode, Failure};
use crate::document::did_you_mean;
use crate::graph::Graph;
use crate::name::PackageName;

/// A name on the command line that stands for nothing.
#[derive(Debug, thiserror::Error)]
#[error("there is no package `{name}`")]
pub struct UnknownPackage {
    name: String,
    nearest: Option<String>,
}

impl Failure for UnknownPackage {
    fn hint(&self) -> Option<String> {
        self.nearest.clone().or_else(|| Some("`cargo xtask list` names them all".into()))
    }

    fn exit(&self) -> ExitCode {
        ExitCode::Usage
    }
}

/// The packages with these names; all of them where no name is given.
///
/// # Errors
/// A name nobody provides, with the nearest one.
pub fn packages(graph: &Graph, names: &[String]) -> Result<Vec<PackageName>, UnknownPackage> {
    if names.is_empty() {
        return Ok(graph.specs().map(|(name, _)| name.clone()).collect());
    }
    names.iter().map(|name| package(graph, name)).collect()
}

/// The package with this name.
///
/// # Errors
/// When nobody provides it.
pub fn package(graph: &Graph, name: &str) -> Result<PackageName, UnknownPackage> {
    let unknown =
        || UnknownPackage { name: name.to_owned(), nearest: did_you_mean(name, graph.index().packages().map(PackageName::as_str)) };
    graph.index().package(name).cloned().ok_or_else(unknown)
}
