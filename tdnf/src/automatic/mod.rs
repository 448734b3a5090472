//! `tdnf-automatic`: updates without anybody asking, started by a timer.
//!
//! Exit codes are those of the reference's program of this name.

mod arguments;
mod reboot;
mod report;
mod settings;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Parser as _;
use clap::error::ErrorKind;

use crate::cache::CacheError;
use crate::calendar;
use crate::cli::args::Common;
use crate::cli::console::Console;
use crate::cli::error::CliError;
use crate::cli::number;
use crate::cli::session::Session;
use crate::cli::signals;
use crate::command::change::{self, Verb};
use crate::command::{check_update, updateinfo};
use rpm_engine::config::{ConfigError, beneath};
use rpm_engine::package::Nevra;
use rpm_engine::transaction::ApplyError;

pub use arguments::Arguments;
use report::Outcome;
use settings::Settings;

/// Where the configuration is, unless the command line says otherwise.
const FILE: &str = "/etc/tdnf/automatic.conf";

/// How long between two tries to reach the repositories.
const PAUSE: Duration = Duration::from_secs(5);

/// Why it failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("there is no configuration file `{0}`")]
    NoFile(PathBuf),
    #[error("only root may update the system")]
    NotRoot,
    #[error(transparent)]
    Settings(#[from] ConfigError),
    #[error("the repositories cannot be reached")]
    Offline(#[source] CliError),
    #[error("the updates failed")]
    Failed(#[from] CliError),
    #[error("the report cannot be written to `{path}`")]
    Report { path: PathBuf, source: io::Error },
    #[error("the machine cannot be restarted with `{command}`")]
    Restart { command: String, source: Option<ApplyError> },
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::NoFile(_) => 2,
            Self::NotRoot => 13,
            Self::Settings(_) => 22,
            Self::Failed(error @ CliError::Signalled(_)) => number::of(error) as u8,
            Self::Offline(_) => 64,
            Self::Failed(_) | Self::Report { .. } | Self::Restart { .. } => 121,
        }
    }
}

/// What is done with updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Report,
    Download,
    Apply,
}

/// Runs the command line and returns the exit code.
pub fn run(arguments: Vec<OsString>) -> u8 {
    let asked = match Arguments::try_parse_from(&arguments) {
        Ok(asked) => asked,
        Err(error) => {
            // Nothing is left to be done where not even this can be written.
            let _ = error.print();
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => 0,
                // An option without its value.
                ErrorKind::InvalidValue => 1,
                _ => 22,
            };
        }
    };
    let words = arguments.iter().skip(1).map(|word| word.to_string_lossy().into_owned());
    match update(&asked, std::iter::once("tdnf-automatic".to_owned()).chain(words).collect()) {
        Ok(()) => 0,
        Err(failure) => {
            let console = Console::new(&Common::default());
            let causes = std::iter::successors(std::error::Error::source(&failure), |cause| cause.source());
            console.fail_with(causes.fold(failure.to_string(), |text, cause| format!("{text}\n  cause: {cause}")));
            failure.code()
        }
    }
}

fn update(asked: &Arguments, words: Vec<String>) -> Result<(), Failure> {
    if asked.install_root.is_none() && !nix::unistd::geteuid().is_root() {
        return Err(Failure::NotRoot);
    }
    let root = asked.install_root.clone().unwrap_or_else(|| "/".into());
    let file = asked.conf.clone().unwrap_or_else(|| beneath(&root, Path::new(FILE)));
    if !file.is_file() {
        return Err(Failure::NoFile(file));
    }
    let settings = Settings::read(&file)?;
    if asked.timer {
        sleep(Duration::from_secs(below(settings.random_sleep)));
    }
    let work = match (asked.notify, asked.install || settings.apply, settings.download) {
        (true, ..) => Work::Report,
        (false, true, _) => Work::Apply,
        (false, false, true) => Work::Download,
        (false, false, false) => Work::Report,
    };
    let mut session = online(asked, &settings, &words)?;
    let Found { pending, rebooting } = find(&session)?;
    let name = settings.system_name.clone().unwrap_or_else(|| host(&root));
    let emit = |session: &Session, outcome: Outcome, updates: &[Nevra]| {
        let failed = |source| Failure::Report { path: settings.to_file.clone().unwrap_or_default(), source };
        report::emit(&settings, &calendar::local(session.now), &report::text(outcome, &name, updates)).map_err(failed)
    };
    if pending.is_empty() || (work == Work::Report && settings.show) {
        return emit(&session, Outcome::Available, &pending);
    }
    match work {
        Work::Report => Ok(()),
        Work::Download => {
            session.common.download_only = true;
            carry_out(&mut session)?;
            if settings.show { emit(&session, Outcome::Downloaded, &pending) } else { Ok(()) }
        }
        Work::Apply => {
            let came = apply(&mut session)?;
            emit(&session, Outcome::Applied, &came)?;
            signals::none_came()?;
            restart(&session, &settings, &came, &rebooting)
        }
    }
}

/// The system and its repositories, which may be out of reach for a while after a start.
fn online(asked: &Arguments, settings: &Settings, words: &[String]) -> Result<Session, Failure> {
    let since = Instant::now();
    loop {
        let common = Common {
            assume_yes: true,
            refresh: true,
            security: settings.only_security,
            config: settings.tdnf_conf.clone(),
            install_root: asked.install_root.clone(),
            ..Common::default()
        };
        let mut session = Session::begin(common, words.to_vec())?;
        match session.open() {
            Ok(_) => {
                session.common.refresh = false;
                return Ok(session);
            }
            Err(CliError::Cache(CacheError::Download { .. })) if since.elapsed().as_secs() < settings.online_timeout => sleep(PAUSE),
            Err(error @ CliError::Cache(CacheError::Download { .. })) => return Err(Failure::Offline(error)),
            Err(error) => return Err(error.into()),
        }
    }
}

/// The updates there are, and which packages ask for a restart.
struct Found {
    pending: Vec<Nevra>,
    rebooting: BTreeSet<Nevra>,
}

fn find(session: &Session) -> Result<Found, CliError> {
    let repositories = session.open()?;
    let sack = session.sack(&repositories);
    let pending = check_update::pending(session, &repositories, &sack, &[])?;
    let rebooting = updateinfo::rebooting(session, &repositories)?;
    Ok(Found { pending: pending.into_iter().map(|id| sack.nevra(id)).collect(), rebooting })
}

/// Updates, as the command does. That nothing fits is no failure: what is left out was reported. Neither is a signal that was waited with.
fn carry_out(session: &mut Session) -> Result<(), CliError> {
    match change::run(session, Verb::Update, &[]) {
        Err(error) if number::of(&error) == 0 || matches!(error, CliError::Signalled(_)) => Ok(()),
        done => done,
    }
}

/// Applies the updates, and returns what came.
fn apply(session: &mut Session) -> Result<Vec<Nevra>, CliError> {
    let nevras = |session: &Session| -> Result<BTreeSet<Nevra>, CliError> {
        Ok(session.system.installed()?.into_iter().map(|installed| installed.package.package.nevra).collect())
    };
    let before = nevras(session)?;
    carry_out(session)?;
    Ok(nevras(session)?.difference(&before).cloned().collect())
}

/// Restarts the machine, if what came asks for that.
fn restart(session: &Session, settings: &Settings, came: &[Nevra], rebooting: &BTreeSet<Nevra>) -> Result<(), Failure> {
    let needed = || -> Result<bool, CliError> {
        let installed = session.system.installed()?;
        let packages: Vec<_> =
            installed.iter().map(|installed| &installed.package.package).filter(|package| came.contains(&package.nevra)).collect();
        Ok(reboot::is_needed(&packages, &session.config.main.install_only, rebooting))
    };
    let restarts = match settings.reboot {
        reboot::When::Never => false,
        reboot::When::Changed => !came.is_empty(),
        reboot::When::Needed => needed()?,
    };
    // A system in a directory is not the one that runs.
    if !restarts || !session.system.is_running() {
        return Ok(());
    }
    let time = reboot::time(settings.window, calendar::minute_of_day(now()));
    session.console.note(format!("The machine restarts at {time}."));
    let failed = |source| Failure::Restart { command: settings.reboot_command.join(" "), source };
    let command = reboot::command(&settings.reboot_command, time);
    match change::with_settings(session, |settings| session.system.run(&command, settings)) {
        Ok(true) => Ok(()),
        Ok(false) => Err(failed(None)),
        Err(error) => Err(failed(Some(error))),
    }
}

/// Seconds since 1970: applying updates takes its time.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The name of a machine.
fn host(root: &Path) -> String {
    let of_kernel = || nix::unistd::gethostname().ok().map(|name| name.to_string_lossy().into_owned());
    let configured = || fs::read_to_string(root.join("etc/hostname")).ok().map(|name| name.trim().to_owned());
    let name = if root == Path::new("/") { of_kernel() } else { configured() };
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| root.display().to_string())
}

/// A random number up to `most`, so that not all machines ask at once.
fn below(most: u64) -> u64 {
    let mut bytes = [0; 8];
    let read = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    read.map_or(0, |()| u64::from_le_bytes(bytes) % most.saturating_add(1))
}
