//! The commands that change what is installed: they differ in what their words mean, and are one from there on.

mod barrier;
mod execute;
mod plan;
mod request;
mod scope;
mod show;

use std::fs;
use std::io;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use crate::cli::error::{CliError, Downloading};
use crate::cli::local::{COMMAND_LINE, Local, Repositories};
use crate::cli::session::{Session, io_at, need_repositories, need_root};
use crate::cli::signals;
use crate::query::Sack;
use rpm_engine::history::Reason;
use rpm_engine::lock::LockError;
use rpm_engine::rpmfile::RpmFile;
use rpm_engine::solver::SolveError;
use rpm_engine::system::{LockedSystem, SystemError};

use plan::Plan;
pub(in crate::command) use plan::Sweep;
pub use request::{Dependents, Request, Wish};
pub(in crate::command) use request::{is_install_only, is_locked};

pub(crate) use execute::with_settings;

/// How long another program is waited for, as the reference does.
const LOCK_PATIENCE: Duration = Duration::from_secs(300);

/// How long between two tries.
const LOCK_PAUSE: Duration = Duration::from_millis(250);

/// What is done to packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// They come, or newer versions of them.
    Install,
    /// They go, and what requires them.
    Erase,
    /// Of those that are there in several versions, the older ones go.
    EraseDuplicates,
    /// They are replaced by the newest versions.
    Update,
    /// They are replaced by older versions.
    Downgrade,
    /// They are installed again.
    Reinstall,
    /// They become what the repositories offer.
    DistroSync,
    /// They go, and what nobody needs.
    Autoremove,
}

impl Verb {
    /// Whether it is about nothing but what is installed.
    fn is_of_installed(self) -> bool {
        match self {
            Self::Erase | Self::EraseDuplicates | Self::Autoremove => true,
            Self::Install | Self::Update | Self::Downgrade | Self::Reinstall | Self::DistroSync => false,
        }
    }
}

/// Does what the words after a verb ask for.
///
/// # Errors
/// When it cannot be done, or there is nothing to do.
pub fn run(session: &mut Session, verb: Verb, words: &[String]) -> Result<(), CliError> {
    need_root(session)?;
    let locked = lock(session)?;
    if session.common.all_dependencies {
        if !session.common.download_only {
            return Err(CliError::OnlyWithDownload(Downloading::All));
        }
        // As if nothing were installed: then everything required is fetched.
        session.installed.clear();
    }
    if session.common.download_directory.is_some() && !session.common.download_only {
        return Err(CliError::OnlyWithDownload(Downloading::Directory));
    }
    let mut repositories = if verb.is_of_installed() { Repositories::none() } else { session.open()? };
    add_files(session, &mut repositories, words)?;
    let sack = session.sack(&repositories);
    let request = request::request(session, &repositories, &sack, verb, words)?;
    if !request.unresolved.is_empty() && !verb.is_of_installed() {
        need_repositories(session)?;
    }
    // A file needs no repository; whoever waits for updates does.
    if !verb.is_of_installed() && request.wishes.is_empty() && need_repositories(session).is_err() {
        session.console.warn("no repository is enabled");
    }
    let clean = session.config.main.clean_requirements && !session.common.no_autoremove;
    let sweep =
        Sweep { newly_unneeded: clean && verb == Verb::Erase, all_unneeded: verb == Verb::Autoremove && !session.common.no_autoremove };
    carry_out(session, locked.as_ref(), &repositories, &sack, &request, sweep)
}

/// Plans a request, shows and asks, and does it.
///
/// # Errors
/// When it cannot be done, or there is nothing to do.
pub(in crate::command) fn carry_out(
    session: &Session,
    locked: Option<&LockedSystem>,
    repositories: &Repositories,
    sack: &Sack<'_>,
    request: &Request,
    sweep: Sweep,
) -> Result<(), CliError> {
    if !request.forbidden.is_empty() {
        return Err(CliError::BelowMinimum(request.forbidden.clone()).after(session, || show::value(sack, request, &Plan::default())));
    }
    show::remarks(session, sack, request);
    if !request.unresolved.is_empty() && !session.config.main.skip_broken {
        return Err(CliError::NoMatch.after(session, || show::value(sack, request, &Plan::default())));
    }
    let plan = plan::plan(session, repositories, sack, request, sweep).map_err(|error| match error {
        // There is nothing left where the only request is skipped.
        CliError::Solve(SolveError::Conflict { explanation }) if request.wishes.len() < 2 => CliError::Unfit(explanation),
        error => error,
    })?;
    show::skipped(session, &plan);
    let value = || show::value(sack, request, &plan);
    if !session.console.json && !plan.changes.is_empty() {
        show::table(session, sack, &plan);
    }
    let done = match plan.changes.is_empty() {
        true if request.mark.is_empty() => Err(CliError::NothingToDo),
        // Nobody is asked about these, but who says no to everything means them, too.
        true if session.console.refuses() => {
            show::marks(session, sack, request);
            Err(CliError::Aborted)
        }
        true => mark(session, locked, sack, request, &plan),
        false if !session.common.test_only && !session.console.ask("Is this ok") => Err(CliError::Aborted),
        false => execute_plan(session, locked, repositories, sack, &plan).and_then(|()| mark(session, locked, sack, request, &plan)),
    };
    done.and_then(|()| signals::none_came()).map_err(|error| error.after(session, value))?;
    if session.console.json {
        session.console.value(&value());
    }
    Ok(())
}

/// Records that packages are asked for by name, or no longer are: of those that are replaced, the ones that come in their place.
fn mark(session: &Session, locked: Option<&LockedSystem>, sack: &Sack<'_>, request: &Request, plan: &Plan) -> Result<(), CliError> {
    let Some(locked) = locked else { return Ok(()) };
    for reason in [Reason::User, Reason::Dependency, Reason::WeakDependency] {
        let of_reason = request.mark.iter().filter(|(_, wanted)| *wanted == reason);
        let stays = of_reason.filter_map(|(id, _)| Some((plan.in_place_of(*id)?, sack.reason(*id)?)));
        let marked: Vec<_> = stays.map(|(id, was)| (sack.nevra(id), was)).collect();
        with_settings(session, |settings| locked.mark(&marked, reason, settings.time, settings.command))?;
        let as_what = if reason == Reason::User { "user installed" } else { "auto installed" };
        marked.iter().for_each(|(nevra, _)| session.console.note(format!("{nevra} marked as {as_what}")));
    }
    Ok(())
}

fn execute_plan(
    session: &Session,
    locked: Option<&LockedSystem>,
    repositories: &Repositories,
    sack: &Sack<'_>,
    plan: &Plan,
) -> Result<(), CliError> {
    let files = execute::fetch(session, repositories, sack, &plan.coming())?;
    let verified = execute::verify(session, repositories, sack, &files)?;
    if session.common.download_only {
        session.console.note("Complete!");
        return Ok(());
    }
    let steps = execute::steps(sack, plan, verified);
    match locked {
        Some(locked) if !session.common.test_only => execute::apply(session, locked, &steps, &files)?,
        _ => with_settings(session, |settings| session.system.check(&steps, settings))?,
    }
    session.console.note("\nComplete!");
    Ok(())
}

/// Takes the right to change the system, unless nothing is to be changed. What an interrupted transaction left is put right first.
pub(in crate::command) fn lock(session: &mut Session) -> Result<Option<LockedSystem>, CliError> {
    if session.common.download_only || session.common.test_only {
        return Ok(None);
    }
    let locked = wait_for_lock(session)?;
    if let Some(recovery) = with_settings(session, |settings| locked.recover(settings))? {
        let how = match recovery {
            rpm_engine::transaction::Recovery::Undone => "taken back",
            rpm_engine::transaction::Recovery::Finished => "finished",
        };
        session.console.warn(format!("a transaction was interrupted; it was {how}"));
        signals::none_came()?;
    }
    // Another program may have had the lock when it was read first.
    if !session.system.is_current(&session.installed)? {
        session.installed = session.system.installed()?;
    }
    Ok(Some(locked))
}

/// Another program that changes the system is waited for, unless `exit_on_lock` says otherwise.
fn wait_for_lock(session: &Session) -> Result<LockedSystem, CliError> {
    let patience = if session.config.main.exit_on_lock { Duration::ZERO } else { LOCK_PATIENCE };
    let since = Instant::now();
    let mut said = false;
    loop {
        match session.system.lock() {
            Err(SystemError::Locked(error @ LockError::Held { .. })) if since.elapsed() < patience => {
                if !said {
                    session.console.warn(format!("{error}; waiting for it to finish"));
                    said = true;
                }
                thread::sleep(LOCK_PAUSE);
            }
            taken => return Ok(taken?),
        }
    }
}

/// Where the package file that a word names really is.
fn file(session: &Session, word: &str) -> Result<PathBuf, CliError> {
    let path = session.bring(word)?;
    let real = fs::canonicalize(&path).map_err(io_at(&path))?;
    // A pipe would be waited for.
    match real.is_file() {
        true => Ok(real),
        false => Err(io_at(&path)(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"))),
    }
}

/// Package files named in words.
fn add_files(session: &Session, repositories: &mut Repositories, words: &[String]) -> Result<(), CliError> {
    let files: Vec<_> = words.iter().filter(|word| request::is_file(word)).cloned().collect();
    if files.is_empty() {
        return Ok(());
    }
    let skip = session.config.main.skip_broken;
    for word in files {
        let found = file(session, &word).and_then(|path| {
            // One that is read together with others fails with them.
            let checked = if skip { RpmFile::open(&path).map(drop) } else { Ok(()) };
            Ok(checked.map(|()| path)?)
        });
        match found {
            Ok(path) => drop(repositories.files.insert(word, path)),
            Err(error) if skip => session.console.warn(format!("{}; it is skipped", error.with_causes())),
            Err(error) => return Err(error),
        }
    }
    if repositories.files.is_empty() {
        return Ok(());
    }
    let mut paths: Vec<PathBuf> = repositories.files.values().cloned().collect();
    paths.sort();
    paths.dedup();
    repositories.locals.push(Local::of(COMMAND_LINE, &paths)?);
    Ok(())
}

impl Sweep {
    /// Nothing but what is asked for.
    pub(in crate::command) const NONE: Self = Self { newly_unneeded: false, all_unneeded: false };
}
