//! `tdnf reposync`

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cache::Opened;
use crate::cli::args::Reposync;
use crate::cli::error::CliError;
use crate::cli::session::{Session, io_at, need_repositories};
use crate::download;
use crate::query::{Id, Sack};
use rpm_engine::config::{ConfigError, matches};
use rpm_engine::repo::Offer;
use rpm_engine::rpmfile::RpmFile;

/// Copies the packages of the enabled repositories into a directory, a folder for each.
///
/// # Errors
/// When a repository cannot be used, a package is not what it should be, or the disk refuses.
pub fn run(session: &Session, asked: &Reposync) -> Result<(), CliError> {
    need_repositories(session)?;
    let enabled = session.config.enabled();
    let is_asked = |id: &str| asked.repositories.is_empty() || asked.repositories.iter().any(|name| matches(name, id));
    if let Some(id) = asked.repositories.iter().find(|name| !enabled.iter().any(|repository| matches(name, &repository.id))) {
        return Err(ConfigError::NoSuchRepository { id: id.clone() }.into());
    }
    let count = enabled.iter().filter(|repository| is_asked(&repository.id)).count();
    if asked.no_repo_path && (count > 1 || asked.delete) {
        return Err(CliError::Usage("`--norepopath` requires exactly one repository and cannot be used with `--delete`".into()));
    }
    let repositories = session.open()?;
    let sack = session.sack(&repositories);
    let top = asked.download_path.clone().unwrap_or_else(|| ".".into());
    let (mut copied, mut untrusted) = (Vec::new(), Vec::new());
    for (stock, opened) in repositories.opened.iter().enumerate().filter(|(_, opened)| is_asked(&opened.repository.id)) {
        let folder = if asked.no_repo_path { top.clone() } else { top.join(&opened.repository.id) };
        let offers = wanted(&sack, stock, asked);
        if asked.urls {
            let urls: Vec<String> =
                offers.iter().filter_map(|offer| opened.package_urls(offer).first().map(|url| download::shown(url))).collect();
            match session.console.json {
                true => copied.push(json!({ "Repo": opened.repository.id, "Urls": urls })),
                false => urls.iter().for_each(|url| session.console.line(url)),
            }
            continue;
        }
        let refused = copy(session, opened, &offers, &folder, asked)?;
        let offers: Vec<Offer> = offers.into_iter().filter(|offer| !refused.contains(&offer.location)).collect();
        if asked.download_metadata {
            let to = asked.metadata_path.as_ref().map_or(folder.clone(), |path| path.join(&opened.repository.id));
            session.with_context(|context| opened.copy_metadata(&to, context))?;
        }
        if asked.delete {
            let named: BTreeSet<PathBuf> = offers.iter().map(|offer| folder.join(offer.path())).collect();
            delete_others(session, &folder, &named)?;
        }
        untrusted.extend(refused);
        let paths: Vec<_> = offers.iter().map(|offer| folder.join(offer.path()).display().to_string()).collect();
        session.console.note(format!("{}: {} packages in {}", opened.repository.id, paths.len(), folder.display()));
        copied.push(json!({ "Repo": opened.repository.id, "Files": paths }));
    }
    if session.console.json {
        let answer = Value::Array(copied);
        match untrusted.is_empty() {
            true => session.console.value(&answer),
            false => return Err(CliError::Untrusted(untrusted).after(session, || json!({ "Copied": answer }))),
        }
    }
    if untrusted.is_empty() { Ok(()) } else { Err(CliError::Untrusted(untrusted)) }
}

fn wanted(sack: &Sack<'_>, stock: usize, asked: &Reposync) -> Vec<Offer> {
    let index = sack.stocks[stock].index;
    let mut all: Vec<Id> = (0..index.len()).map(|at| Id::Available(stock, at)).collect();
    if asked.newest_only {
        all = sack.newest(&all);
    }
    let fits = |offer: &Offer| {
        let arch = &offer.package.nevra.arch;
        (asked.arch.is_empty() || asked.arch.contains(arch)) && (asked.source == (arch == "src"))
    };
    all.into_iter().filter_map(|id| sack.offer(id)).filter(fits).collect()
}

/// Fetches packages. With `--gpgcheck` those that are not signed with a trusted key are removed again; their locations are returned.
fn copy(session: &Session, opened: &Opened, offers: &[Offer], folder: &Path, asked: &Reposync) -> Result<Vec<String>, CliError> {
    session.with_context(|context| {
        let client = opened.client(context)?;
        let mut items = Vec::new();
        for offer in offers {
            items.extend(opened.package_item(offer, folder.join(offer.path()))?.map(|item| (&client, item)));
        }
        let failed = |source| crate::cache::CacheError::Download { id: opened.repository.id.clone(), source };
        download::fetch_all(&items, context.at_once, context.report).map_err(failed)?;
        if !asked.gpgcheck {
            return Ok(Vec::new());
        }
        let mut refused = Vec::new();
        let keys = crate::cache::keyring(&opened.repository, context)?;
        for offer in offers {
            let path = folder.join(offer.path());
            if let Err(error) = RpmFile::open(&path).and_then(|file| file.verify(&keys)) {
                session.console.warn(format!("{error}; it is removed"));
                fs::remove_file(&path).map_err(io_at(&path))?;
                refused.push(offer.location.clone());
            }
        }
        Ok(refused)
    })
}

fn delete_others(session: &Session, folder: &Path, named: &BTreeSet<PathBuf>) -> Result<(), CliError> {
    for entry in fs::read_dir(folder).map_err(io_at(folder))? {
        let entry = entry.map_err(io_at(folder))?;
        let path = entry.path();
        if entry.file_type().map_err(io_at(&path))?.is_dir() {
            delete_others(session, &path, named)?;
        } else if path.extension().is_some_and(|extension| extension == "rpm") && !named.contains(&path) {
            session.console.note(format!("deleting {}", path.display()));
            fs::remove_file(&path).map_err(io_at(&path))?;
        }
    }
    Ok(())
}
