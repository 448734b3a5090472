//! `tdnf check-local`

use std::path::Path;

use serde_json::json;

use crate::cli::error::CliError;
use crate::cli::local::Local;
use crate::cli::session::Session;
use rpm_engine::dependency::{Capability, Comparison};
use rpm_engine::solver::{Request, solve};

/// Checks that the packages in a directory can be installed together, with nothing but themselves.
///
/// # Errors
/// When one is not a package, or they do not fit together.
pub fn run(session: &Session, directory: &Path) -> Result<(), CliError> {
    let local = Local::directory("local", directory)?;
    let packages: Vec<_> = (0..local.index.len()).filter_map(|at| local.index.package(at)).collect();
    let one = |nevra: &rpm_engine::package::Nevra| Capability::ranged(&nevra.name, Comparison::Equal, nevra.evr.clone());
    let install = packages.iter().map(|package| one(&package.nevra)).collect();
    solve(&packages, &Request { install, weak: false, arch: session.arch.clone() })?;
    if session.console.json {
        session.console.value(&json!({ "Packages": packages.len() }));
    }
    session.console.note(format!("{} packages checked", packages.len()));
    session.console.note("Check completed without issues");
    Ok(())
}
