//! `tdnf provides`

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::cli::error::CliError;
use crate::cli::local::Repositories;
use crate::cli::session::Session;
use crate::query::{Id, Pattern, Sack};
use rpm_engine::dependency::Capability;
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
    if found.is_empty() {
        return Err(CliError::NoMatch);
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

/// All that provide one thing; full lists of files are fetched only for a path that the short ones do not answer.
fn providing(session: &Session, repositories: &Repositories, sack: &Sack<'_>, text: &str) -> Result<Vec<Id>, CliError> {
    let wanted = Capability::parse(text).unwrap_or_else(|| Capability::any(text));
    let mut found = sack.installed_providing(&wanted);
    found.extend(sack.available_providing(&wanted));
    let pattern = Pattern::new(text);
    if !pattern.is_glob() && (!found.iter().any(|id| matches!(id, Id::Available(..))) && text.starts_with('/')) {
        found.extend(holding(session, repositories, sack, |index| index.holding(text))?);
    }
    if pattern.is_glob() {
        let fits = |id: &Id| {
            let package = sack.package(*id);
            package.is_some_and(|package| {
                let names = package.provides.iter().map(|provided| provided.name.as_str());
                names.chain(package.paths.iter().map(String::as_str)).any(|name| pattern.fits_text(name))
            })
        };
        found.extend(sack.all_installed().iter().chain(sack.all_available()).filter(|id| fits(id)).copied());
    }
    if found.is_empty() && !text.starts_with('/') && !text.contains(' ') {
        // A program is often named without its folder.
        for folder in ["/usr/bin", "/usr/sbin", "/bin", "/sbin"] {
            let wanted = Capability::any(format!("{folder}/{text}"));
            found.extend(sack.installed_providing(&wanted));
            found.extend(sack.available_providing(&wanted));
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
    for (stock, opened) in repositories.opened.iter().enumerate() {
        if opened.repository.skip_filelists || opened.metadata.repomd.get("filelists").is_none() {
            continue;
        }
        let index = session.with_context(|context| opened.index_with_files(context))?;
        // Both indexes are sorted alike, so that a package has the same number in either.
        found.extend(find(&index).into_iter().map(|at| Id::Available(stock, at)));
    }
    Ok(found.into_iter().filter(|id| sack.is_offered(*id)).collect())
}
