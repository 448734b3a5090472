//! `tdnf check`

use std::collections::BTreeSet;

use serde_json::json;

use crate::cli::error::CliError;
use crate::cli::local::Repositories;
use crate::cli::session::Session;
use crate::command::change;
use crate::query::Id;
use rpm_engine::solver;

/// Checks that installed packages fit together and that no transaction waits to be finished.
///
/// # Errors
/// When something is not as it should be.
pub fn run(session: &Session) -> Result<(), CliError> {
    let packages: Vec<_> = session.installed.iter().map(|installed| installed.package.package.clone()).collect();
    let all: BTreeSet<usize> = (0..packages.len()).collect();
    let mut problems = solver::problems(&packages, &all, &session.arch);
    let repositories = Repositories::none();
    let sack = session.sack(&repositories);
    let is_single = |id: &Id| !change::is_install_only(session, &sack, &[*id]);
    for (older, newest) in sack.duplicates().into_iter().filter(|(older, _)| is_single(older)) {
        let (older, newest) = (sack.nevra(older), sack.nevra(newest));
        problems.push(format!("{older} is a duplicate of {newest}; `tdnf remove --duplicates` removes the older one"));
    }
    if session.system.is_interrupted()? {
        problems.push("a transaction was interrupted; the next command that changes packages finishes or undoes it".into());
    }
    if session.console.json {
        session.console.value(&json!(problems));
    } else {
        problems.iter().for_each(|problem| session.console.line(problem));
    }
    if !problems.is_empty() {
        return Err(CliError::CheckFailed(problems.len()));
    }
    session.console.note("Check completed without issues");
    Ok(())
}
