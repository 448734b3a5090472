//! What `update` and `distro-sync` ask for.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::{Request, Wish, exactly, file, is_install_only, is_locked};
use crate::cli::error::CliError;
use crate::cli::local::Repositories;
use crate::cli::session::Session;
use crate::command::updateinfo;
use crate::query::{Id, Pattern, Sack};
use rpm_engine::history::Reason;
use rpm_engine::solver::Need;

/// Newer versions of what the words name; without words of all that is installed.
///
/// # Errors
/// When advisories that restrict them cannot be read.
pub(super) fn update(
    session: &Session,
    repositories: &Repositories,
    sack: &Sack<'_>,
    words: &[String],
    request: &mut Request,
) -> Result<(), CliError> {
    let advised = updateinfo::restricted(session, repositories)?;
    let mut chosen: BTreeSet<Id> = BTreeSet::new();
    for word in words {
        if let Some(id) = file(repositories, sack, word) {
            other_version(session, sack, word, id, Ordering::Greater, request);
            continue;
        }
        let pattern = Pattern::new(word);
        let found = sack.installed_matching(&pattern);
        let named = named_versions(sack, &pattern);
        if found.is_empty() && named.is_empty() {
            request.unresolved.push(word.clone());
        } else if found.is_empty() {
            named.into_iter().for_each(|id| other_version(session, sack, word, id, Ordering::Greater, request));
        } else {
            chosen.extend(found);
            chosen.extend(named.iter().flat_map(|id| sack.installed_called(&sack.nevra(*id).name)));
        }
    }
    if words.is_empty() {
        chosen = sack.all_installed().into_iter().collect();
    }
    for id in chosen {
        let nevra = sack.nevra(id);
        let newest = || sack.available_called(&nevra.name).into_iter().map(|id| sack.nevra(id)).max_by(|a, b| a.evr.cmp(&b.evr));
        // Of several versions side by side the newest counts: the older ones are not mended by a further one.
        let there = sack.newest_installed(&nevra);
        if advised.as_ref().is_some_and(|advised| !newest().is_some_and(|newest| advised.asks_for(&there, &newest))) {
            continue;
        }
        if is_install_only(session, sack, &[id]) {
            beside(sack, &nevra.name, request);
        } else {
            request.update.insert(id);
        }
    }
    Ok(())
}

/// The package in a file in place of an installed one, if its version compares with that one's as wanted.
pub(super) fn other_version(session: &Session, sack: &Sack<'_>, word: &str, id: Id, wanted: Ordering, request: &mut Request) {
    let nevra = sack.nevra(id);
    match sack.installed_evr(&nevra.name) {
        None => request.unresolved.push(word.to_owned()),
        Some(there) if nevra.evr.cmp(&there) == wanted => exactly(session, sack, word, id, request),
        Some(_) => request.existing.extend(sack.installed_native(&nevra.name)),
    }
}

/// The newest version of a name beside those there, if it is newer.
fn beside(sack: &Sack<'_>, name: &str, request: &mut Request) {
    let newest = sack.newest(&sack.sorted(sack.available_called(name)));
    let newer = newest.into_iter().filter(|id| sack.installed_evr(name).is_some_and(|there| sack.nevra(*id).evr > there));
    let wish = Wish { need: Need::IfItFits, ..Wish::new(name, newer.collect(), Reason::User) };
    if !wish.any_of.is_empty() && !request.wishes.contains(&wish) {
        request.wishes.push(wish);
    }
}

/// Of what the words name, or of all that is installed, the versions that are offered.
pub(super) fn synchronise(session: &Session, sack: &Sack<'_>, words: &[String], request: &mut Request) {
    let mut all = if words.is_empty() { sack.all_installed() } else { Vec::new() };
    for word in words {
        let pattern = Pattern::new(word);
        let found = sack.installed_matching(&pattern);
        let named = if found.is_empty() { named_versions(sack, &pattern) } else { Vec::new() };
        if found.is_empty() && named.is_empty() {
            request.unresolved.push(word.clone());
        }
        named.into_iter().for_each(|id| exactly(session, sack, word, id, request));
        all.extend(found);
    }
    for id in all {
        let nevra = sack.nevra(id);
        if is_install_only(session, sack, &[id]) {
            beside(sack, &nevra.name, request);
            continue;
        }
        if !sack.is_native(&nevra) {
            continue;
        }
        let newest = sack.newest(&sack.sorted(sack.available_called(&nevra.name)));
        let Some(offered) = newest.last().copied() else {
            request.update.insert(id);
            continue;
        };
        let same = sack.nevra(offered) == nevra;
        if is_locked(session, sack, id) {
            request.locked.extend(Some(id).filter(|_| !same));
            continue;
        }
        if !same && sack.nevra(offered).evr < nevra.evr {
            request.released.insert(id);
            request.wishes.push(Wish::new(nevra.name, vec![offered], Reason::User));
        } else if same && session.config.main.reinstall_changed && sack.details(offered).build_time != sack.details(id).build_time {
            request.reinstall.push((id, offered));
        } else {
            request.update.insert(id);
        }
    }
}

/// The newest offered packages that a pattern fits, one for each name that is installed. Where the pattern fits nothing installed, the version
/// was written that is to come.
fn named_versions(sack: &Sack<'_>, pattern: &Pattern) -> Vec<Id> {
    let offered = sack.available_matching(pattern).into_iter().map(|id| (sack.nevra(id).name, id));
    let newest: BTreeMap<String, Id> = offered.filter(|(name, _)| !sack.installed_called(name).is_empty()).collect();
    newest.into_values().collect()
}
