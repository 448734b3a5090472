//! Packages named on the command line.

use std::collections::BTreeSet;

use base::diagnostic::{ExitCode, Failure};
use base::name::PackageName;
use planning::graph::Graph;
use text::nearest;

/// Why names on the command line do not select packages.
#[derive(Debug, thiserror::Error)]
pub enum SelectError {
    /// A name is empty, as from a variable without a value.
    #[error("a package name is empty")]
    Empty,
    /// No spec builds or provides them.
    #[error("{}", message(names))]
    Unknown {
        /// The names, in the order given; at least one.
        names: Vec<String>,
        /// Packages with similar names, sorted.
        nearest: Vec<String>,
    },
}

impl SelectError {
    fn unknown(graph: &Graph, names: Vec<String>) -> Self {
        if names.iter().any(|name| name.trim().is_empty()) {
            return Self::Empty;
        }
        let known = || graph.index().packages().map(PackageName::as_str);
        let nearest: BTreeSet<&str> = names.iter().filter_map(|name| nearest(name, known())).collect();
        Self::Unknown { nearest: nearest.into_iter().map(str::to_owned).collect(), names }
    }
}

fn message(names: &[String]) -> String {
    let word = if names.len() == 1 { "package" } else { "packages" };
    format!("unknown {word} {}", quoted(names))
}

impl Failure for SelectError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Empty => "check whether a variable on the command line has no value; `cargo xtask list` lists all packages".into(),
            Self::Unknown { nearest, .. } if nearest.is_empty() => "`cargo xtask list` lists all packages".into(),
            Self::Unknown { nearest, .. } => format!("did you mean {}?", quoted(nearest)),
        })
    }

    fn exit(&self) -> ExitCode {
        ExitCode::Usage
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The packages with these names; all packages if there are no names.
///
/// # Errors
/// All names that nothing provides, with similar ones; or that a name is empty.
pub fn packages(graph: &Graph, names: &[String]) -> Result<Vec<PackageName>, SelectError> {
    if names.is_empty() {
        return Ok(graph.main_packages().cloned().collect());
    }
    let (known, unknown): (Vec<_>, Vec<_>) = names.iter().map(|name| (name, find(graph, name))).partition(|(_, found)| found.is_some());
    if unknown.is_empty() {
        return Ok(known.into_iter().filter_map(|(_, found)| found).cloned().collect());
    }
    Err(SelectError::unknown(graph, unknown.into_iter().map(|(name, _)| name.clone()).collect()))
}

/// The package with this name or, if there is none, the main package of the spec with this name.
fn find<'a>(graph: &'a Graph, name: &str) -> Option<&'a PackageName> {
    let of_spec = || name.parse().ok().and_then(|name| graph.spec(&name)).map(|folder| &folder.spec.main.name);
    graph.index().package(name).or_else(of_spec)
}

/// The package with this name.
///
/// # Errors
/// When nothing provides it, or the name is empty.
pub fn package(graph: &Graph, name: &str) -> Result<PackageName, SelectError> {
    find(graph, name).cloned().ok_or_else(|| SelectError::unknown(graph, vec![name.to_owned()]))
}
