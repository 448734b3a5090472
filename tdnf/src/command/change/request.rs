//! From words to a goal.

mod downgrade;
mod erase;
mod reinstall;
mod rich;
mod update;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Verb;
use crate::cli::error::CliError;
use crate::cli::local::{COMMAND_LINE, Repositories};
use crate::cli::session::Session;
use crate::command::provides;
use crate::query::{Id, Pattern, Sack};
use rpm_engine::dependency::{Capability, Dependency};
use rpm_engine::history::Reason;
use rpm_engine::package::Nevra;
use rpm_engine::solver::Need;

/// One thing that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// As it was written.
    pub label: String,
    /// The packages that answer it, preferred first.
    pub any_of: Vec<Id>,
    /// Why it is to be there.
    pub reason: Reason,
    /// Whether the rest is done without it.
    pub need: Need,
}

impl Wish {
    /// One without which nothing is done.
    pub fn new(label: impl Into<String>, any_of: Vec<Id>, reason: Reason) -> Self {
        Self { label: label.into(), any_of, reason, need: Need::Must }
    }
}

/// What becomes of packages that require what is removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dependents {
    /// They go, too.
    #[default]
    Go,
    /// They stay: nobody asked for their removal, so that of the others is refused.
    Stay,
    /// They stay with what comes in the place of the others; where they cannot, nothing is done. Nothing else is updated to make room.
    StayOnReturn,
}

/// What the words mean.
#[derive(Debug, Default)]
pub struct Request {
    /// What is to be there.
    pub wishes: Vec<Wish>,
    /// Installed packages to be updated.
    pub update: BTreeSet<Id>,
    /// Of those, the ones asked for by name, which are to stay under it.
    pub keep_name: BTreeSet<Id>,
    /// Installed packages that a wish replaces.
    pub released: BTreeSet<Id>,
    /// Installed packages to be removed.
    pub erase: BTreeSet<Id>,
    /// What becomes of packages that require those.
    pub dependents: Dependents,
    /// Installed packages to be installed again, with the same as offered.
    pub reinstall: Vec<(Id, Id)>,
    /// Installed packages that are what was asked for already.
    pub existing: Vec<Id>,
    /// Whether nothing comes that is only recommended.
    pub strict: bool,
    /// Words that mean nothing.
    pub unresolved: Vec<String>,
    /// Whether words name what is installed, not what is offered.
    pub of_installed: bool,
    /// Whether words name installed packages, for which others come.
    pub of_what_is_there: bool,
    /// Packages that would be downgrades which `minversions` forbids.
    pub forbidden: Vec<String>,
    /// Names of packages whose versions are side by side, of which none comes in place of newer ones unless it is named.
    pub side_by_side: BTreeSet<String>,
    /// Names of packages of which no older version is offered that is not there already.
    pub oldest: BTreeSet<String>,
    /// Installed packages that are locked, though newer ones are offered.
    pub locked: Vec<Id>,
    /// Installed packages that are asked for by name from now on.
    pub mark: Vec<(Id, Reason)>,
}

/// What the words after a verb mean.
///
/// # Errors
/// When a repository cannot be used.
pub fn request(session: &Session, repositories: &Repositories, sack: &Sack<'_>, verb: Verb, words: &[String]) -> Result<Request, CliError> {
    let of_installed = verb.is_of_installed();
    let of_what_is_there = matches!(verb, Verb::Update | Verb::Downgrade | Verb::Reinstall | Verb::DistroSync);
    let mut request = Request { of_installed, of_what_is_there, ..Request::default() };
    match verb {
        Verb::Install if session.common.build_dependencies => words.iter().for_each(|word| build_dependencies(sack, word, &mut request)),
        Verb::Install => {
            for word in words {
                install(session, repositories, sack, word, &mut request)?;
            }
        }
        Verb::Erase | Verb::Autoremove => {
            words.iter().for_each(|word| erase::erase(sack, word, &mut request));
            // What is excluded on the command line is left alone.
            let excluded: Vec<Pattern> = session.common.exclude.iter().map(|text| Pattern::new(text)).collect();
            request.erase.retain(|id| !excluded.iter().any(|pattern| pattern.fits(&sack.nevra(*id))));
        }
        Verb::EraseDuplicates => erase::duplicates(session, sack, words, &mut request),
        Verb::Update => update::update(session, repositories, sack, words, &mut request)?,
        Verb::Downgrade => downgrade::request(session, repositories, sack, words, &mut request),
        Verb::Reinstall => words.iter().for_each(|word| reinstall::reinstall(session, repositories, sack, word, &mut request)),
        Verb::DistroSync => update::synchronise(session, sack, words, &mut request),
    }
    if verb == Verb::Install && !session.common.build_dependencies {
        let to_mark = |id: &Id| sack.reason(*id).is_some_and(|reason| reason != Reason::User);
        request.mark = request.existing.iter().filter(|id| to_mark(id)).map(|id| (*id, Reason::User)).collect();
    }
    // What is excluded is left as it is, and nothing is said of it.
    request.update.retain(|id| !sack.is_excluded(&sack.nevra(*id)));
    // What is locked is not updated; whatever else would change it is refused.
    let (locked, update): (Vec<Id>, Vec<Id>) = request.update.iter().copied().partition(|id| is_locked(session, sack, *id));
    request.update = update.into_iter().collect();
    let has_newer = |id: &Id| sack.available_called(&sack.nevra(*id).name).iter().any(|new| sack.nevra(*new).evr > sack.nevra(*id).evr);
    request.locked.extend(locked.into_iter().filter(has_newer));
    request.locked.sort_unstable();
    request.locked.dedup();
    Ok(request)
}

/// Whether an installed package is to stay as it is (`locks.d`).
pub fn is_locked(session: &Session, sack: &Sack<'_>, id: Id) -> bool {
    let nevra = sack.nevra(id);
    matches!(id, Id::Installed(_)) && session.config.main.locks.iter().any(|text| Pattern::new(text).fits(&nevra))
}

fn install(session: &Session, repositories: &Repositories, sack: &Sack<'_>, word: &str, request: &mut Request) -> Result<(), CliError> {
    if let Some(id) = file(repositories, sack, word) {
        let nevra = sack.nevra(id);
        match sack.is_native(&nevra) {
            true => exactly(session, sack, word, id, request),
            false => request.unresolved.push(nevra.to_string()),
        }
        return Ok(());
    }
    let pattern = Pattern::new(word);
    let found = sack.available_matching(&pattern);
    if found.is_empty() {
        // What is excluded, or not offered any more, may be there already.
        if let (false, Some(there)) = (pattern.is_glob(), sack.installed_matching(&pattern).last()) {
            request.existing.push(*there);
            return Ok(());
        }
        return capability(session, repositories, sack, word, request);
    }
    let names: BTreeSet<String> = found.iter().map(|id| sack.nevra(*id).name).collect();
    for name in names {
        let of_name: Vec<Id> = found.iter().copied().filter(|id| sack.nevra(*id).name == name).collect();
        // More than a name was written: a version, which is then meant.
        let versioned =
            pattern.is_ranged() || (!pattern.is_glob() && pattern.text() != name && !pattern.text().starts_with(&format!("{name}.")));
        if versioned {
            let fitting = sack.installed_called(&name).into_iter().filter(|there| pattern.is_ranged() && pattern.fits(&sack.nevra(*there)));
            if let Some(there) = fitting.last() {
                request.existing.push(there);
            } else if let Some(id) = of_name.last() {
                exactly(session, sack, word, *id, request);
            }
        } else {
            newest(session, sack, word, &name, of_name, request);
        }
    }
    Ok(())
}

/// What the newest source package of a name needs to be built. A source package says so by its requirements.
fn build_dependencies(sack: &Sack<'_>, word: &str, request: &mut Request) {
    let Some(source) = sack.source(&Pattern::new(word)).and_then(|id| sack.package(id)) else {
        request.unresolved.push(word.to_owned());
        return;
    };
    for dependency in source.requires.iter().filter(|dependency| !dependency.to_string().starts_with("rpmlib(")) {
        let label = dependency.to_string();
        let Dependency::Simple(wanted) = dependency else {
            request.unresolved.push(label);
            continue;
        };
        if let Some(there) = sack.installed_providing(wanted).first() {
            request.existing.push(*there);
            continue;
        }
        let found = sack.available_providing(wanted);
        if found.is_empty() {
            request.unresolved.push(label);
        } else {
            request.wishes.push(Wish::new(label, sack.by_standing(found), Reason::Dependency));
        }
    }
}

/// This very package, whatever version is there.
fn exactly(session: &Session, sack: &Sack<'_>, word: &str, id: Id, request: &mut Request) {
    let nevra = sack.nevra(id);
    let installed = sack.installed_called(&nevra.name);
    if let Some(same) = installed.iter().find(|installed| sack.nevra(**installed) == nevra) {
        request.existing.push(*same);
        return;
    }
    if !is_install_only(session, sack, &[id]) {
        request.released.extend(replaced_by(sack, &nevra));
    }
    request.wishes.push(Wish::new(word, vec![id], Reason::User));
}

/// The package in a file that a word names.
fn file(repositories: &Repositories, sack: &Sack<'_>, word: &str) -> Option<Id> {
    let path = repositories.files.get(word)?;
    let stock = sack.stocks.iter().position(|stock| stock.id == COMMAND_LINE)?;
    let files = (0..sack.stocks[stock].index.len()).map(|at| Id::Available(stock, at));
    files.into_iter().find(|id| sack.offer(*id).is_some_and(|offer| Path::new(&offer.location) == path))
}

/// The installed packages in whose place a package would come.
fn replaced_by(sack: &Sack<'_>, new: &Nevra) -> Vec<Id> {
    sack.installed_called(&new.name).into_iter().filter(|old| new.may_replace(&sack.nevra(*old))).collect()
}

/// The newest of a name, if that is newer than what is there.
fn newest(session: &Session, sack: &Sack<'_>, word: &str, name: &str, mut found: Vec<Id>, request: &mut Request) {
    let best = found.iter().map(|id| sack.nevra(*id).evr).max();
    match (sack.installed_evr(name), best) {
        (Some(there), Some(best)) if there >= best => request.existing.extend(sack.installed_called(name).last()),
        (Some(_), _) if !is_install_only(session, sack, &found) => {
            request.update.extend(sack.installed_native(name));
            request.keep_name.extend(sack.installed_native(name));
        }
        _ => {
            if session.config.main.best || is_install_only(session, sack, &found) {
                found = sack.newest(&found);
            }
            // What replaces the newest goes before it.
            let replaced = if session.common.skip_obsoletes { Vec::new() } else { sack.newest(&found) };
            let heirs: Vec<Id> = replaced.iter().flat_map(|id| sack.heirs(*id)).collect();
            let there = heirs.iter().flat_map(|heir| sack.installed_called(&sack.nevra(*heir).name));
            let there: Vec<Id> = there.filter(|old| heirs.iter().any(|heir| sack.nevra(*heir) == sack.nevra(*old))).collect();
            if let Some(there) = there.first() {
                request.existing.push(*there);
                return;
            }
            // Of packages that replace each other the one that was named comes.
            let comes_back = |heir: &Id| replaced.iter().any(|id| sack.comes_back(*heir, *id));
            let heirs = heirs.into_iter().filter(|heir| !comes_back(heir)).collect();
            request.wishes.push(Wish::new(word, [heirs, found].concat(), Reason::User));
        }
    }
}

/// Whether versions of these packages may be there side by side.
pub fn is_install_only(session: &Session, sack: &Sack<'_>, found: &[Id]) -> bool {
    let names = &session.config.main.install_only;
    let is = |id: &Id| sack.package(*id).is_some_and(|package| names.iter().any(|name| package.satisfies(&Capability::any(name))));
    found.first().is_some_and(is)
}

/// Whatever provides it.
fn capability(session: &Session, repositories: &Repositories, sack: &Sack<'_>, word: &str, request: &mut Request) -> Result<(), CliError> {
    if let (true, Ok(Dependency::Rich(rich))) = (word.starts_with('('), Dependency::new(word, None)) {
        return rich::request(sack, &rich, request);
    }
    let wanted = Capability::parse(word).unwrap_or_else(|| Capability::any(word));
    if let Some(there) = sack.installed_providing(&wanted).first() {
        request.existing.push(*there);
        return Ok(());
    }
    let mut found = sack.available_providing(&wanted);
    if found.is_empty() && word.starts_with('/') {
        found = provides::holding(session, repositories, sack, |index| index.holding(word))?;
    }
    if found.is_empty() {
        request.unresolved.push(word.to_owned());
    } else {
        request.wishes.push(Wish::new(word, sack.by_standing(found), Reason::User));
    }
    Ok(())
}

/// Whether a word names a package file rather than a package.
pub fn is_file(word: &str) -> bool {
    word.ends_with(".rpm") && (word.contains('/') || PathBuf::from(word).exists())
}

/// The installed packages a word means; it is kept as unresolved if there is none.
fn installed(sack: &Sack<'_>, word: &str, request: &mut Request) -> Vec<Id> {
    let found = sack.installed_matching(&Pattern::new(word));
    if found.is_empty() {
        request.unresolved.push(word.to_owned());
    }
    found
}
