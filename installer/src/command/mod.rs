//! The command line of `kaon-installer`.

mod ask;
mod progress;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

use self::progress::Lines;
use crate::apply::{self, ApplyError, Sources};
use crate::live::{self, Fetched, Wanted};
use crate::plan::{self, Facts, Plan};
use crate::ui::choose::Interface;
use crate::ui::screen::Session;
use kickstart::document::{self, Language};
use kickstart::medium::{self, Loaded, MediumError, Search};
use kickstart::photon::Variables;
use kickstart::{self, Disk, Kickstart};

/// Install Kaon on this machine, interactively or from a kickstart file.
#[derive(Debug, Parser)]
#[command(
    name = "kaon-installer",
    version,
    after_help = "Exit codes: 0 success, 1 failure, 2 invalid command line, 3 invalid kickstart file."
)]
struct Arguments {
    /// Kickstart file in JSON, YAML or TOML. Without one, the installer asks questions.
    kickstart: Option<PathBuf>,
    /// Print what would be done without doing it.
    #[arg(long)]
    plan: bool,
    /// Plan for the machine described by this file instead of this one.
    #[arg(long, value_name = "FILE", requires = "plan")]
    facts: Option<PathBuf>,
    /// Install without confirmation. Otherwise the disk's name must be typed first.
    #[arg(long, requires = "kickstart", conflicts_with = "plan")]
    yes: bool,
    /// Follow the kernel command line: `ks=…` installs unattended, `kaon.install` asks questions; without either, install as a
    /// kickstart file in guestinfo, fw_cfg or on a disk labelled KICKSTART or cidata says, if there is one. Used by the live system's units.
    #[arg(long, conflicts_with_all = ["kickstart", "plan"])]
    live: bool,
    /// Ask questions and show progress line by line.
    #[arg(long, conflicts_with = "full_screen")]
    line: bool,
    /// Ask questions and show progress in full-screen mode, the default on a terminal unless `TERM` is dumb.
    #[arg(long)]
    full_screen: bool,
    /// Install into this directory, which must be empty or absent, instead of onto a disk.
    #[arg(long, value_name = "DIR", requires = "kickstart", conflicts_with = "facts")]
    target_dir: Option<PathBuf>,
    /// Repository of signed packages.
    #[arg(long, value_name = "DIR", default_value = "/run/kaon/medium/repo")]
    repository: PathBuf,
    /// Public keys that packages must be signed with; by default those of this system, otherwise those in the repository.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Write what was done and how long each step took to this file, as JSON.
    #[arg(long, value_name = "FILE", conflicts_with = "plan")]
    journal: Option<PathBuf>,
    /// Print plans as JSON.
    #[arg(long, requires = "plan")]
    json: bool,
    /// Print the JSON Schema of kickstart files.
    #[arg(long, exclusive = true)]
    schema: bool,
    /// Print the reference of kickstart files, in Markdown.
    #[arg(long, exclusive = true, hide = true)]
    reference: bool,
}

/// Why the installer ends.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    #[error(transparent)]
    Medium(#[from] MediumError),
    #[error("{0}")]
    Refused(document::Problems),
    #[error(transparent)]
    Failed(#[from] ApplyError),
    #[error(transparent)]
    Live(#[from] live::LiveError),
    #[error("an installation is already running, perhaps on another console")]
    Busy,
    #[error("cannot plan the installation:\n{0}")]
    NoPlan(String),
    #[error("cancelled; nothing was written")]
    Cancelled,
    #[error("interrupted; if the first step had begun, the system on the disk does not start: install again")]
    BrokenOff,
    #[error("cannot use full-screen mode: {0}; use `--line`")]
    NoScreen(String),
    #[error("cannot read or write the terminal")]
    Output(#[from] io::Error),
}

impl CommandError {
    fn exit(&self) -> ExitCode {
        match self {
            Self::Medium(MediumError::Wrong(_) | MediumError::NotRegular { .. } | MediumError::NotFound { .. }) | Self::Refused(_) => {
                ExitCode::from(3)
            }
            _ => ExitCode::FAILURE,
        }
    }
}

/// Runs the program.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    match run(&arguments, &mut io::stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            error.exit()
        }
    }
}

fn report(error: &CommandError) {
    let mut err = io::stderr().lock();
    let _ = writeln!(err, "error: {error}");
    let (mut source, mut printed) = (std::error::Error::source(error), error.to_string());
    while let Some(cause) = source {
        // An error that only passes another on has its words.
        let text = cause.to_string();
        if text != printed {
            let _ = writeln!(err, "  cause: {text}");
        }
        (source, printed) = (cause.source(), text);
    }
}

fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), CommandError> {
    if arguments.schema {
        return Ok(writeln!(out, "{:#}", kickstart::schema())?);
    }
    if arguments.reference {
        return Ok(write!(out, "{}", kickstart::reference())?);
    }
    let facts = match &arguments.facts {
        Some(file) => read_facts(file)?,
        None => crate::machine::facts(),
    };
    let seed = chance()?;
    let fetched = if arguments.live { live::wanted()? } else { Wanted::Questions }.fetch()?;
    if let Fetched::Nothing = fetched {
        return Ok(());
    }
    let Some(path) = arguments.kickstart.as_deref().or(fetched.path()) else { return ask::ask(arguments, facts, seed, out) };
    if let Fetched::Found { origin, .. } = &fetched {
        writeln!(out, "There is a kickstart file {origin}. The system is installed as it says.")?;
    }
    let (loaded, sources, prepared) = load(arguments, path, out)?;
    let facts = if arguments.live { live::facts(&loaded.kickstart.value) } else { facts };
    let plan = plan_file(arguments, &loaded, &Planning { facts: &facts, sources: &sources, prepared, seed })?;
    if arguments.plan {
        return print(arguments, &plan, out);
    }
    if !arguments.yes && !arguments.live && arguments.target_dir.is_none() {
        confirm(&plan, out)?;
    } else {
        plan.notes.iter().try_for_each(|note| writeln!(out, "note: {note}"))?;
    }
    let kickstart = &loaded.kickstart.value;
    let has_screen = (kickstart.ui || arguments.full_screen) && arguments.interface()? == Interface::FullScreen;
    let screen = if has_screen { Some(Screen::Unattended(ask::open()?)) } else { None };
    carry_out(arguments, &plan, kickstart, &sources, screen, out)
}

/// Reads the kickstart file, where an installation follows with what the scripts of `preinstall` export; whether they have run.
fn load(arguments: &Arguments, path: &Path, out: &mut dyn Write) -> Result<(Loaded, Sources, bool), CommandError> {
    let loaded = medium::load(path)?;
    let sources = sources(arguments, &loaded);
    if loaded.pending.is_empty() || arguments.plan {
        return Ok((loaded, sources, false));
    }
    let kickstart = &loaded.kickstart.value;
    if !arguments.yes && !arguments.live && arguments.target_dir.is_none() {
        write!(out, "The scripts of `preinstall` say what `${}` is. Type yes to run them: ", loaded.pending.join("`, `$"))?;
        out.flush()?;
        let mut line = String::new();
        io::stdin().read_line(&mut line)?;
        if line.trim() != "yes" {
            return Err(CommandError::Cancelled);
        }
    }
    let exported = apply::exported(kickstart, &sources, &Lines::new(kickstart.log_level, false))?;
    let loaded = medium::load_with(path, &Variables::Known(exported.clone()))?;
    Ok((loaded, Sources { environment: exported, ..sources }, true))
}

/// Where packages and files come from.
fn sources(arguments: &Arguments, loaded: &Loaded) -> Sources {
    let environment = loaded.kickstart.value.environment.clone();
    Sources { search: loaded.search.clone(), environment, ..medium_sources(arguments) }
}

/// Where packages come from.
fn medium_sources(arguments: &Arguments) -> Sources {
    let own = Path::new(OWN_KEY);
    let found = || if own.is_file() { own.to_owned() } else { arguments.repository.join("RPM-GPG-KEY-kaon") };
    let keys = arguments.key.clone().unwrap_or_else(found);
    Sources { repository: arguments.repository.clone(), keys, search: Search::default(), environment: BTreeMap::new() }
}

/// Shows what will be lost, and waits for the disks' names.
fn confirm(plan: &Plan, out: &mut dyn Write) -> Result<(), CommandError> {
    write!(out, "{plan}")?;
    for disk in &plan.destroys {
        write!(out, "Type {} to lose everything on it: ", disk.device)?;
        out.flush()?;
        let mut line = String::new();
        io::stdin().read_line(&mut line)?;
        if line.trim() != disk.device {
            return Err(CommandError::Cancelled);
        }
    }
    Ok(())
}

/// Consoles may each show an installer; one of them installs.
fn lock() -> Result<File, CommandError> {
    let path = Path::new("/run/kaon/installer.lock");
    let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
    let file = folder.and_then(|()| File::create(path)).map_err(|source| MediumError::Io { path: path.to_owned(), source })?;
    file.try_lock().map_err(|_| CommandError::Busy)?;
    Ok(file)
}

/// The key that this system trusts.
const OWN_KEY: &str = "/etc/pki/rpm-gpg/RPM-GPG-KEY-kaon";

/// A screen that shows progress.
enum Screen {
    /// Somebody sits before it, and reads it to the end.
    Attended(Session),
    /// Nobody may.
    Unattended(Session),
}

fn carry_out(
    arguments: &Arguments,
    plan: &Plan,
    kickstart: &Kickstart,
    sources: &Sources,
    screen: Option<Screen>,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    may_install(plan, nix::unistd::geteuid().is_root())?;
    let _lock = if plan.destroys.is_empty() { None } else { Some(lock()?) };
    let directory = arguments.target_dir.as_deref();
    let journal = match screen {
        None => apply::apply(plan, sources, directory, &Lines::new(kickstart.log_level, kickstart.ui))?,
        Some(screen) => {
            let (mut session, holds) = match screen {
                Screen::Attended(session) => (session, true),
                Screen::Unattended(session) => (session, false),
            };
            session.install(plan, sources, directory, holds)?.ok_or(CommandError::BrokenOff)??
        }
    };
    if let Some(path) = &arguments.journal {
        fs::write(path, journal.text())?;
    }
    writeln!(out, "Installed. What took longest:\n{}", journal.shares().trim_end())?;
    let total = journal.total_ms();
    writeln!(out, " 100.0 % {total:>8} ms  in all")?;
    out.flush()?;
    Ok(apply::finish(plan)?)
}

/// Disks are root's.
fn may_install(plan: &Plan, is_root: bool) -> Result<(), ApplyError> {
    if plan.destroys.is_empty() || is_root { Ok(()) } else { Err(ApplyError::NotRoot) }
}

/// Prints a plan.
fn print(arguments: &Arguments, plan: &Plan, out: &mut dyn Write) -> Result<(), CommandError> {
    let text = if arguments.json { json(plan) } else { plan.to_string() };
    Ok(write!(out, "{text}")?)
}

/// A plan as JSON.
fn json(plan: &Plan) -> String {
    serde_json::to_string_pretty(plan).unwrap_or_else(|error| error.to_string()) + "\n"
}

/// Reads the description of a machine.
fn read_facts(path: &Path) -> Result<Facts, MediumError> {
    let text = medium::text(path)?;
    let name = path.display().to_string();
    Ok(document::read(&name, &text, Language::of(&name, &text), |_, _| None)?.value)
}

/// What a plan takes besides the kickstart file.
struct Planning<'a> {
    facts: &'a Facts,
    sources: &'a Sources,
    /// Whether the scripts of `preinstall` have run.
    prepared: bool,
    seed: [u8; 32],
}

/// Plans what a kickstart file asks for, with all that would fail later.
fn plan_file(arguments: &Arguments, loaded: &Loaded, with: &Planning<'_>) -> Result<Plan, CommandError> {
    let document = &loaded.kickstart;
    let offered = match apply::offered(with.sources) {
        // What is wrong with it, an installation says before it writes anything.
        Err(error) if arguments.plan && arguments.repository.join("repodata").exists() => return Err(error.into()),
        offered => offered.ok(),
    };
    let shown = shown_on(loaded, with);
    let request = plan::Request {
        kickstart: shown.as_ref().unwrap_or(&document.value),
        lists: &loaded.lists,
        facts: with.facts,
        directory: arguments.target_dir.is_some(),
        offered: offered.as_ref(),
        prepared: with.prepared,
        seed: with.seed,
    };
    let planned = plan::plan(&request);
    let mut refusals = planned.as_ref().err().cloned().unwrap_or_default();
    let mut further: Vec<plan::Note> = shown.iter().filter_map(shown_note).collect();
    if let Some(packages) = plan::packages(&request).filter(|_| offered.is_some()) {
        match apply::contents(&packages, with.sources) {
            Ok(contents) => {
                refusals.extend(contents.check(&document.value));
                further.extend(contents.notes(&document.value));
            }
            Err(ApplyError::Choice(error)) => {
                refusals.push(plan::Refusal { path: "packages".into(), message: error.to_string(), hint: None });
            }
            Err(error) => return Err(error.into()),
        }
    }
    match planned {
        Ok(mut plan) if refusals.is_empty() => {
            let own = plan.notes.drain(..).chain(further).map(|note| document.problem(&note.path, note.message, None));
            let mut notes: Vec<_> = own.chain(loaded.notes.iter().cloned()).collect();
            notes.sort_by_key(|note| note.place);
            plan.notes = notes.iter().map(|note| plan::Note::of(&document.name, note)).collect();
            if offered.is_none() {
                let place = arguments.repository.display();
                let message = format!("packages, kernel, groups and units were not checked: there is no repository in `{place}`");
                plan.notes.push(plan::Note { at: String::new(), path: String::new(), message });
            }
            Ok(plan)
        }
        _ => {
            let problem = |refusal: plan::Refusal| document.problem(&refusal.path, refusal.message, refusal.hint);
            Err(CommandError::Refused(document.problems(refusals.into_iter().map(problem).collect())))
        }
    }
}

/// The same with a disk to show the plan on, where the file's own is known only once the scripts of `preinstall` have run.
fn shown_on(loaded: &Loaded, with: &Planning<'_>) -> Option<Kickstart> {
    let kickstart = &loaded.kickstart.value;
    let is_pending = !with.prepared && loaded.awaits_disk;
    let named: Vec<&str> = kickstart.disks.values().filter_map(|disk| disk.device.as_deref()).collect();
    let named: Vec<_> = named.into_iter().filter_map(|name| with.facts.disk(name)).map(|disk| &disk.device).collect();
    let disk = with.facts.usable().find(|disk| !named.contains(&&disk.device)).filter(|_| is_pending)?;
    let device = Some(disk.device.clone());
    if kickstart.disks.is_empty() {
        return Some(Kickstart { disk: device, ..kickstart.clone() });
    }
    let mut disks = kickstart.disks.clone();
    disks.insert(plan::DEFAULT_DISK.to_owned(), Disk { device, filename: None, size: None });
    Some(Kickstart { disks, ..kickstart.clone() })
}

fn shown_note(shown: &Kickstart) -> Option<plan::Note> {
    let first = shown.disks.get(plan::DEFAULT_DISK).and_then(|disk| disk.device.as_ref());
    let disk = shown.disk.as_ref().or(first)?;
    Some(plan::Note { at: String::new(), path: "disk".into(), message: format!("the plan is shown for {disk}") })
}

/// Chance from the kernel, for identities.
fn chance() -> Result<[u8; 32], MediumError> {
    use std::io::Read as _;
    let path = Path::new("/dev/urandom");
    let mut seed = [0; 32];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut seed));
    read.map(|()| seed).map_err(|source| MediumError::Io { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Destroyed;

    #[test]
    fn only_root_installs_to_disks() {
        let disk = Destroyed { device: "/dev/sda".into(), description: String::new(), holds: Vec::new() };
        for (destroys, is_root, may) in
            [(vec![], true, true), (vec![], false, true), (vec![disk.clone()], true, true), (vec![disk], false, false)]
        {
            assert_eq!(may_install(&Plan { notes: Vec::new(), destroys, steps: Vec::new() }, is_root).is_ok(), may);
        }
    }
}
