//! `tdnf check-update`

use serde_json::Value;

use super::list::{row, summary};
use super::updateinfo;
use crate::cli::error::CliError;
use crate::cli::local::Repositories;
use crate::cli::session::{Session, need_repositories};
use crate::query::{Id, Pattern, Sack};

/// Shows updates of all installed packages or of some. With `dnf_check_update_compat` the exit code says whether there are any.
///
/// # Errors
/// When a repository cannot be used; [`CliError::UpdatesAvailable`] where that is to be said.
pub fn run(session: &Session, words: &[String]) -> Result<(), CliError> {
    need_repositories(session)?;
    let repositories = session.open()?;
    let sack = session.sack(&repositories);
    let found = pending(session, &repositories, &sack, words)?;
    if session.console.json {
        session.console.value(&Value::Array(found.iter().map(|id| summary(&sack, *id)).collect()));
    } else {
        found.iter().for_each(|id| row(session, &sack, *id));
    }
    if session.config.main.check_update_compat && !found.is_empty() { Err(CliError::UpdatesAvailable) } else { Ok(()) }
}

/// The updates of all installed packages or of some.
///
/// # Errors
/// When the advisories of a repository cannot be used.
pub fn pending(session: &Session, repositories: &Repositories, sack: &Sack<'_>, words: &[String]) -> Result<Vec<Id>, CliError> {
    let patterns: Vec<Pattern> = words.iter().map(|word| Pattern::new(word)).collect();
    let mut found = sack.updates();
    found.extend(sack.obsoleting().into_iter().map(|(new, _)| new));
    let mut found = sack.sorted(found);
    found.retain(|id| patterns.is_empty() || patterns.iter().any(|pattern| pattern.fits(&sack.nevra(*id))));
    if let Some(advised) = updateinfo::restricted(session, repositories)? {
        found.retain(|id| {
            let nevra = sack.nevra(*id);
            let from = sack.installed_native(&nevra.name);
            advised.names(&nevra) || from.iter().any(|old| advised.asks_for(&sack.newest_installed(&sack.nevra(*old)), &nevra))
        });
    }
    Ok(found)
}
