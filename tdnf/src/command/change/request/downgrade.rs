//! What `downgrade` asks for.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::update::other_version;
use super::{Request, Wish, file, is_install_only, is_locked, replaced_by};
use crate::cli::local::Repositories;
use crate::cli::session::Session;
use crate::query::{Id, Pattern, Sack};
use rpm_engine::history::Reason;
use rpm_engine::version::Evr;

/// Older versions of what the words name; without words of all that is installed, except for packages whose versions are side by side.
pub(super) fn request(session: &Session, repositories: &Repositories, sack: &Sack<'_>, words: &[String], request: &mut Request) {
    if words.is_empty() {
        older(session, sack, "*", Named::No, request);
        request.existing.clear();
    }
    for word in words {
        if let Some(id) = file(repositories, sack, word) {
            other_version(session, sack, word, id, Ordering::Less, request);
            continue;
        }
        let found = older(session, sack, word, Named::Yes, request);
        let hidden = sack.below_minimum(&Pattern::new(word)).into_iter();
        let hidden = hidden.filter(|nevra| sack.installed_evr(&nevra.name).is_some_and(|there| nevra.evr < there));
        let hidden: Vec<String> = hidden.map(|nevra| nevra.to_string()).collect();
        let is_wished = request.wishes.iter().any(|wish| wish.label == *word);
        if !is_wished && !hidden.is_empty() {
            request.forbidden.extend(hidden);
        } else if !found {
            request.unresolved.push(word.clone());
        }
    }
}

/// Whether somebody wrote what is to be downgraded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    Yes,
    No,
}

/// The next older version of each installed package that a word fits; whether there is such a package.
fn older(session: &Session, sack: &Sack<'_>, word: &str, named: Named, request: &mut Request) -> bool {
    let offered = sack.available_matching(&Pattern::new(word));
    let names: BTreeSet<String> = offered.iter().map(|id| sack.nevra(*id).name).collect();
    let mut found = false;
    for name in names {
        let Some(there) = sack.installed_evr(&name) else { continue };
        found = true;
        let of_name: Vec<Id> = offered.iter().copied().filter(|id| sack.nevra(*id).name == name).collect();
        if is_install_only(session, sack, &sack.installed_native(&name)) {
            beside(sack, word, name, named, &of_name, &there, request);
        } else if let Some(id) = newest_below(sack, &of_name, &there) {
            let replaced = replaced_by(sack, &sack.nevra(id));
            let locked: Vec<Id> = replaced.iter().copied().filter(|old| is_locked(session, sack, *old)).collect();
            // A locked package that was named is an error; without names, the others are downgraded and it stays.
            if named == Named::No && !locked.is_empty() {
                request.locked.extend(locked);
                continue;
            }
            request.released.extend(replaced);
            request.wishes.push(Wish::new(word, vec![id], Reason::User));
        } else {
            request.existing.extend(sack.installed_native(&name));
        }
    }
    found
}

/// The next older version of a package beside those that are there, if it was named.
fn beside(sack: &Sack<'_>, word: &str, name: String, named: Named, offered: &[Id], newest: &Evr, request: &mut Request) {
    let there: BTreeSet<_> = sack.installed_called(&name).into_iter().map(|id| sack.nevra(id)).collect();
    let new: Vec<Id> = offered.iter().copied().filter(|id| !there.contains(&sack.nevra(*id))).collect();
    match (newest_below(sack, &new, newest), named) {
        (Some(id), Named::Yes) => request.wishes.push(Wish::new(word, vec![id], Reason::User)),
        (Some(_), Named::No) => drop(request.side_by_side.insert(name)),
        (None, Named::Yes) => drop(request.oldest.insert(name)),
        (None, Named::No) => {}
    }
}

/// The newest of the offered packages that are older than a version.
fn newest_below(sack: &Sack<'_>, offered: &[Id], version: &Evr) -> Option<Id> {
    let older = offered.iter().copied().filter(|id| sack.nevra(*id).evr < *version);
    sack.sorted(older.collect()).last().copied()
}
