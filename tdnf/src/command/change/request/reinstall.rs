//! What is to be installed once more.

use super::{Request, Wish, file, installed, is_install_only, replaced_by};
use crate::cli::local::Repositories;
use crate::cli::session::Session;
use crate::query::{Id, Sack};
use rpm_engine::history::Reason;

pub(super) fn reinstall(session: &Session, repositories: &Repositories, sack: &Sack<'_>, word: &str, request: &mut Request) {
    if let Some(new) = file(repositories, sack, word) {
        let nevra = sack.nevra(new);
        match sack.installed_called(&nevra.name).into_iter().find(|old| sack.nevra(*old) == nevra) {
            Some(old) => request.reinstall.push((old, new)),
            None => request.unresolved.push(word.to_owned()),
        }
        return;
    }
    let found = installed(sack, word, request);
    found.iter().for_each(|id| again(session, sack, *id, &found, request));
}

/// One of the installed packages that were `found`, as it is offered. Of several versions of which one should be there the newest that is
/// offered comes in place of all.
fn again(session: &Session, sack: &Sack<'_>, id: Id, found: &[Id], request: &mut Request) {
    let nevra = sack.nevra(id);
    let there = if is_install_only(session, sack, &[id]) { vec![id] } else { replaced_by(sack, &nevra) };
    let offered = there.iter().filter(|there| found.contains(there)).filter_map(|there| sack.available_as(&sack.nevra(*there)));
    match offered.max_by_key(|offered| sack.nevra(*offered)) {
        None => request.unresolved.push(nevra.to_string()),
        Some(offered) if there.len() == 1 => request.reinstall.push((id, offered)),
        Some(offered) if sack.nevra(offered) == nevra => {
            request.released.extend(there);
            request.wishes.push(Wish::new(nevra.to_string(), vec![offered], Reason::User));
        }
        // That one comes in its place.
        Some(_) => {}
    }
}
