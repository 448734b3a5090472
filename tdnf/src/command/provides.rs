//! `tdnf provides`

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::cache::Opened;
use crate::cli::error::CliError;
use crate::cli::local::Repositories;
use crate::cli::session::Session;
use crate::query::{Id, Pattern, Sack};
use rpm_engine::dependency::{Capability, Rich};
use rpm_engine::repo::Index;

/// Finds the packages that provide what is asked for: by name, capability or path.
///
/// # Errors
/// When a repository cannot be used, or nothing is found.
pub fn run(session: &Session, asked: &[String]) -> Result<(), CliError> {
    let repositories = session.open()?;
    let sack = session.sack(&repositories);
    let mut found = BTreeSet::new();
    for text in asked {
        found.extend(providing(session, &repositories, &sack, text)?);
    }
    if found.is_empty() && !session.console.json {
        return Err(CliError::NoData);
    }
    let found = sack.sorted(found.into_iter().collect());
    if session.console.json {
        let one = |id: &Id| {
            let nevra = sack.nevra(*id);
            json!({ "Name": nevra.name, "Arch": nevra.arch, "Evr": nevra.evr.to_string(), "Summary": sack.details(*id).summary })
        };
        session.console.value(&Value::Array(found.iter().map(one).collect()));
        return Ok(());
    }
    for id in found {
        session.console.line(format!("{} : {}", sack.nevra(id), sack.details(id).summary));
        session.console.line(format!("Repo\t : {}", sack.origin(id)));
    }
    Ok(())
}

/// The capabilities that a boolean dependency asks for.
///
/// # Errors
/// When it is malformed.
pub(in crate::command) fn of_boolean(text: &str) -> Result<Vec<Capability>, CliError> {
    let rich = Rich::parse(text).map_err(|error| CliError::Usage(error.to_string()))?;
    Ok(rich.leaves().into_iter().filter(|(_, tested)| !tested).map(|(capability, _)| capability.clone()).collect())
}

/// All that provide one thing; full lists of files are fetched only for a path that the short ones do not answer.
pub(in crate::command) fn providing(
    session: &Session,
    repositories: &Repositories,
    sack: &Sack<'_>,
    text: &str,
) -> Result<Vec<Id>, CliError> {
    if text.starts_with('(') {
        let wanted = of_boolean(text)?;
        let both = |wanted: &Capability| [sack.installed_providing(wanted), sack.available_providing(wanted)].concat();
        return Ok(wanted.iter().flat_map(both).collect());
    }
    let wanted = Capability::parse(text).unwrap_or_else(|| Capability::any(text));
    let mut found = sack.installed_providing(&wanted);
    found.extend(sack.available_providing(&wanted));
    let pattern = Pattern::new(text);
    if pattern.is_glob() {
        let fits = |id: &Id| sack.package(*id).is_some_and(|package| package.provides.iter().any(|all| pattern.fits_text(&all.name)));
        found.extend(sack.all_installed().iter().chain(sack.all_available()).filter(|id| fits(id)).copied());
    }
    if text.contains('/') && (text.starts_with('/') || pattern.is_glob()) {
        found.extend(with_path(session, repositories, sack, text)?);
    } else if found.is_empty() && !text.contains(' ') {
        // A program is often named without its folder.
        for folder in ["/usr/bin", "/usr/sbin", "/bin", "/sbin"] {
            let wanted = Capability::any(format!("{folder}/{text}"));
            found.extend(sack.installed_providing(&wanted));
            found.extend(sack.available_providing(&wanted));
        }
    }
    Ok(found)
}

/// All that contain a path, or one that fits a pattern. Folders that are links to those of the same name in `/usr` count as those.
pub(in crate::command) fn with_path(
    session: &Session,
    repositories: &Repositories,
    sack: &Sack<'_>,
    text: &str,
) -> Result<Vec<Id>, CliError> {
    let merged = ["/bin/", "/sbin/", "/lib/", "/lib64/"].iter().any(|folder| text.starts_with(folder));
    let mut spellings = vec![text.to_owned()];
    spellings.extend(merged.then(|| format!("/usr{text}")));
    let mut found = Vec::new();
    for text in &spellings {
        let pattern = Pattern::new(text);
        if pattern.is_glob() {
            let fits = |id: &Id| sack.package(*id).is_some_and(|package| package.paths.iter().any(|path| pattern.fits_text(path)));
            found.extend(sack.all_installed().into_iter().filter(fits));
            found.extend(holding(session, repositories, sack, |index| index.holding_any(|path| pattern.fits_text(path)))?);
            continue;
        }
        let wanted = Capability::any(text);
        found.extend(sack.installed_providing(&wanted));
        let short = sack.available_providing(&wanted);
        match short.is_empty() {
            true => found.extend(holding(session, repositories, sack, |index| index.holding(text))?),
            false => found.extend(short),
        }
    }
    Ok(found)
}

/// Offered packages found through the full lists of files.
pub(in crate::command) fn holding(
    session: &Session,
    repositories: &Repositories,
    sack: &Sack<'_>,
    find: impl Fn(&Index) -> Vec<usize>,
) -> Result<Vec<Id>, CliError> {
    let mut found = Vec::new();
    for (stock, all) in sack.stocks.iter().enumerate() {
        let opened = repositories.opened.get(stock);
        let has_full = |opened: &&Opened| !opened.repository.skip_filelists && opened.metadata.repomd.get("filelists").is_some();
        let places = match opened.filter(has_full) {
            // Both indexes are sorted alike, so that a package has the same number in either.
            Some(opened) => find(&session.with_context(|context| opened.index_with_files(context))?),
            None => find(all.index),
        };
        found.extend(places.into_iter().map(|at| Id::Available(stock, at)));
    }
    Ok(found.into_iter().filter(|id| sack.is_offered(*id)).collect())
}
