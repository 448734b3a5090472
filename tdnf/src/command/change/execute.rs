//! Carrying out a plan: everything is fetched and checked before anything changes.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use super::plan::{Change, Plan};
use crate::cache::{CacheError, keyring};
use crate::cli::error::CliError;
use crate::cli::local::Repositories;
use crate::cli::session::{Session, io_at};
use crate::cli::signals::{self, Deferral};
use crate::download::{self, Item};
use crate::query::{Id, Sack};
use rpm_engine::keyring::Keyring;
use rpm_engine::package::Nevra;
use rpm_engine::rpmfile::{RpmFile, RpmFileError, Verified};
use rpm_engine::system::LockedSystem;
use rpm_engine::transaction::{Event, Observer, Settings, Step};

/// Package files on this machine, by package.
pub type Files = BTreeMap<Id, Fetched>;

/// A package that is to be installed: its repository's number, its file, and which it must be.
type Expected<'a> = (Id, usize, &'a Fetched, Nevra);

/// A package file on this machine.
pub struct Fetched {
    path: PathBuf,
    /// What is known of a file that was not fetched at all but is where its repository has it: nobody has compared it yet.
    unseen: Option<Item>,
}

impl From<PathBuf> for Fetched {
    fn from(path: PathBuf) -> Self {
        Self { path, unseen: None }
    }
}

/// Fetches the packages that come, but for those whose repository is on this machine. Those of `--downloadonly` go where that says.
///
/// # Errors
/// When one cannot be fetched.
pub fn fetch(session: &Session, repositories: &Repositories, sack: &Sack<'_>, coming: &[Id]) -> Result<Files, CliError> {
    let mut files = Files::new();
    session.with_context(|context| -> Result<(), CliError> {
        let mut clients = BTreeMap::new();
        for (stock, opened) in repositories.opened.iter().enumerate() {
            clients.insert(stock, opened.client(context)?);
        }
        let mut items = Vec::new();
        for id in coming {
            let (Id::Available(stock, _), Some(offer)) = (id, sack.offer(*id)) else { continue };
            let (Some(opened), Some(client)) = (repositories.opened.get(*stock), clients.get(stock)) else {
                files.insert(*id, PathBuf::from(&offer.location).into());
                continue;
            };
            let kept = opened.package_path(&offer);
            if session.common.download_directory.is_none()
                && let Some(path) = opened.package_in_place(&offer)
            {
                files.insert(*id, Fetched { path, unseen: Some(opened.item(&offer, kept)) });
                continue;
            }
            let named = session.common.download_directory.as_ref().map(|folder| folder.join(kept.file_name().unwrap_or_default()));
            let to = named.unwrap_or(kept);
            items.extend(opened.package_item(&offer, to.clone())?.map(|item| (client, item)));
            files.insert(*id, to.into());
        }
        if context.cache_only && !items.is_empty() {
            let file = |(_, item): &(_, Item)| item.to.file_name().unwrap_or_default().to_string_lossy().into_owned();
            return Err(CacheError::PackagesNotCached { files: items.iter().map(file).collect() }.into());
        }
        if !items.is_empty() {
            session.console.note(format!("\nDownloading {} packages:", items.len()));
        }
        Ok(download::fetch_all(&items, context.at_once, context.report)?)
    })?;
    Ok(files)
}

/// A package and its checked file.
type Checked = Result<(Id, Verified), CliError>;

/// Checks signatures and digests, and that each file is the package that was planned.
///
/// # Errors
/// When one is not trusted, damaged, or another package.
pub fn verify(session: &Session, repositories: &Repositories, sack: &Sack<'_>, files: &Files) -> Result<BTreeMap<Id, Verified>, CliError> {
    let mut keys: BTreeMap<usize, Option<Keyring>> = BTreeMap::new();
    let mut expected = Vec::new();
    for (id, fetched) in files {
        let Id::Available(stock, _) = id else { continue };
        if !keys.contains_key(stock) {
            keys.insert(*stock, keys_of(session, repositories, *stock)?);
        }
        expected.push((*id, *stock, fetched, sack.nevra(*id)));
    }
    // The largest first, so that none is left over at the end that keeps a single processor busy.
    let size = |fetched: &Fetched| fs::metadata(&fetched.path).map_or(0, |metadata| metadata.len());
    expected.sort_by_cached_key(|(_, _, fetched, _)| Reverse(size(fetched)));
    let one = |(id, stock, fetched, nevra): &Expected<'_>| -> Checked {
        let path = &fetched.path;
        if let Some(item) = &fetched.unseen {
            download::check(item, path)?;
        }
        let file = RpmFile::open(path)?;
        if file.package.nevra != *nevra {
            let (found, expected) = (Box::new(file.package.nevra), Box::new(nevra.clone()));
            return Err(CliError::OtherPackage { path: path.clone(), found, expected });
        }
        let checked = match keys.get(stock).and_then(Option::as_ref) {
            Some(keys) => file.verified(keys)?,
            None => file.unsigned()?,
        };
        Ok((*id, checked))
    };
    let first: Vec<_> = expected.par_iter().with_max_len(1).map(one).collect();
    let mut new: BTreeMap<usize, Option<Keyring>> = BTreeMap::new();
    let again = |(result, (id, stock, fetched, _)): (Checked, &Expected<'_>)| match result {
        // It may be signed with a new key, which is where the old one was.
        Err(error @ CliError::Package(RpmFileError::Untrusted { .. })) => {
            if !new.contains_key(stock) {
                new.insert(*stock, renewed(session, repositories, *stock)?);
            }
            match new.get(stock).and_then(Option::as_ref) {
                Some(keys) => Ok((*id, RpmFile::open(&fetched.path)?.verified(keys)?)),
                None => Err(error),
            }
        }
        result => result,
    };
    first.into_iter().zip(&expected).map(again).collect()
}

/// The keys of a repository, fetched again; none where they are what they were.
fn renewed(session: &Session, repositories: &Repositories, stock: usize) -> Result<Option<Keyring>, CliError> {
    let Some(opened) = repositories.opened.get(stock) else { return Ok(None) };
    Ok(session.with_context(|context| opened.renewed_keys(context))?)
}

/// The keys of a repository; those of all of them for files that come from none.
fn keys_of(session: &Session, repositories: &Repositories, stock: usize) -> Result<Option<Keyring>, CliError> {
    session.with_context(|context| match repositories.opened.get(stock) {
        Some(opened) => Ok(opened.keys(context)?),
        None if !checks_files(session) => Ok(None),
        None => {
            let mut of_files = rpm_engine::config::RepositoryConfig::new(
                crate::cli::local::COMMAND_LINE,
                session.config.main.defaults.clone(),
                rpm_engine::config::Place { file: "the command line".into(), line: 0 },
            );
            of_files.keys = session.config.enabled().into_iter().flat_map(|repository| repository.keys.clone()).collect();
            of_files.keys.sort();
            of_files.keys.dedup();
            Ok(Some(keyring(&of_files, context)?))
        }
    })
}

/// Whether package files that come from no repository must be signed.
fn checks_files(session: &Session) -> bool {
    let (common, main) = (&session.common, &session.config.main);
    let refused = common.no_gpg_check || common.skip_signature || common.no_file_gpg_check;
    !refused && main.check_files.unwrap_or(main.defaults.gpgcheck)
}

/// Turns the plan into the steps of a transaction.
pub fn steps(sack: &Sack<'_>, plan: &Plan, mut packages: BTreeMap<Id, Verified>) -> Vec<Step> {
    let number = |id: &Id| match id {
        Id::Installed(at) => Some(sack.installed[*at].package.number),
        Id::Available(..) => None,
    };
    let numbers = |ids: &[Id]| ids.iter().filter_map(number).collect::<Vec<_>>();
    let mut take = |id: &Id| packages.remove(id);
    let step = |change: &Change| {
        Some(match change {
            Change::Install { new, obsoleted, reason } => {
                Step::Install { package: take(new)?, obsoleted: numbers(obsoleted), reason: *reason }
            }
            Change::Upgrade { new, from, obsoleted } => {
                Step::Upgrade { package: take(new)?, from: numbers(from), obsoleted: numbers(obsoleted) }
            }
            Change::Downgrade { new, from } => Step::Downgrade { package: take(new)?, from: numbers(from) },
            Change::Reinstall { new, from } => Step::Reinstall { package: take(new)?, from: number(from)? },
            Change::Erase { old, .. } => Step::Erase { number: number(old)? },
        })
    };
    plan.changes.iter().filter_map(step).collect()
}

/// Prints what a transaction does, which it defers signals for.
struct ConsoleReport<'a> {
    session: &'a Session,
    signals: Deferral,
    said: AtomicBool,
}

impl ConsoleReport<'_> {
    /// Says at once that a signal came: whoever sent it should not think that it was lost.
    fn answer_signal(&self) {
        if let Some(signal) = signals::caught().filter(|_| !self.said.swap(true, Ordering::Relaxed)) {
            self.session.console.warn(format!("{signal} came; the transaction is finished first"));
        }
    }
}

impl Observer for ConsoleReport<'_> {
    fn report(&self, event: Event<'_>) {
        let console = &self.session.console;
        self.answer_signal();
        match event {
            Event::Begins => self.signals.begin(),
            Event::Installed { package } => console.note(format!("Installing/Updating: {package}")),
            Event::Removed { package } => console.note(format!("Removing: {package}")),
            Event::Running { what } if console.verbose => console.note(format!("Running: {what}")),
            Event::Output { text } if !console.json && !console.quiet => console.raw(text.trim_end()),
            Event::Warning { text } => console.warn(text),
            Event::Unpacked { .. } | Event::Running { .. } | Event::Output { .. } => {}
        }
    }
}

/// Runs `work` with the settings of a transaction.
pub fn with_settings<T>(session: &Session, work: impl FnOnce(&Settings<'_>) -> T) -> T {
    let report = ConsoleReport { session, signals: Deferral::default(), said: AtomicBool::new(signals::caught().is_some()) };
    let command = session.command_line.join(" ");
    // Whoever makes a system that is to have equal bytes each time gives the time themselves (reproducible-builds.org).
    let given = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|text| text.parse().ok());
    let scripts = session.config.main.scripts;
    let settings = Settings { observer: &report, scripts, ..Settings::new(given.unwrap_or(session.now as u32), &command) };
    let done = work(&settings);
    // One that came after the last event.
    report.answer_signal();
    done
}

/// Carries out the steps, and throws away fetched packages that are not to be kept.
///
/// # Errors
/// When the transaction fails; then the system is as it was.
pub fn apply(session: &Session, locked: &LockedSystem, steps: &[Step], files: &Files) -> Result<(), CliError> {
    session.console.note("Running transaction");
    let applied = with_settings(session, |settings| locked.apply_to(&session.installed, steps, settings))?;
    applied.notes.iter().for_each(|note| session.console.warn(note));
    if !session.config.main.keep_cache {
        for path in files.values().map(|fetched| &fetched.path).filter(|path| path.starts_with(session.cache_directory())) {
            fs::remove_file(path).map_err(io_at(path))?;
        }
    }
    Ok(())
}
