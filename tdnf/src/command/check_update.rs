//! `tdnf check-update`

use std::collections::BTreeSet;

use serde_json::Value;

use super::change::{is_install_only, is_locked};
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

/// Newer versions of installed packages, but for those that are locked.
pub(super) fn updates(session: &Session, sack: &Sack<'_>) -> Vec<Id> {
    let mut found = sack.updates();
    found.retain(|new| {
        let old = sack.installed_native(&sack.nevra(*new).name);
        is_install_only(session, sack, &[*new]) || !old.into_iter().any(|old| is_locked(session, sack, old))
    });
    found
}

/// Packages that replace installed ones of other names, but for those that are left as they are.
pub(super) fn heirs(session: &Session, sack: &Sack<'_>) -> Vec<Id> {
    let is_kept = |old: Id| sack.is_excluded(&sack.nevra(old)) || is_locked(session, sack, old);
    let pairs = sack.obsoleting();
    let kept: BTreeSet<Id> = pairs.iter().filter(|(_, old)| is_kept(*old)).map(|(new, _)| *new).collect();
    sack.sorted(pairs.into_iter().map(|(new, _)| new).filter(|new| !kept.contains(new)).collect())
}

/// The updates of all installed packages or of some.
///
/// # Errors
/// When the advisories of a repository cannot be used.
pub fn pending(session: &Session, repositories: &Repositories, sack: &Sack<'_>, words: &[String]) -> Result<Vec<Id>, CliError> {
    let patterns: Vec<Pattern> = words.iter().map(|word| Pattern::new(word)).collect();
    let mut found = updates(session, sack);
    found.extend(heirs(session, sack));
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
