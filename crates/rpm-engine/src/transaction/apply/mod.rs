//! Transactions on a system: from the old state to the new one, or not at all.
//!
//! Everything new is written under temporary names first. A journal says what is about to happen; then names are changed, each in a way that
//! can be taken back; then the RPM database is changed by one transaction of its own, whose commit decides: before it, whoever finds the
//! journal takes everything back, after it, they finish.

mod accounts;
mod change;
mod config_policy;
mod error;
mod finish;
mod journal;
mod op;
mod pipeline;
mod plan;
mod recover;
mod run;
mod scripts;
mod space;
mod stage;
mod triggers;

pub use error::{ApplyError, Shortage};
pub use recover::Recovery;

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::beneath::Beneath;
use super::place::Places;
use super::step::{Event, Settings, Step};
use crate::history::{Action, Reason};
use crate::order;
use crate::rpmdb::InstalledPackage;
use crate::rpmfile::{Phase, RpmFile, Scriptlet};
use crate::system::{self, Installed, LockedSystem, System, SystemError};
use plan::{FilePlan, Packages};
use scripts::{Ended, Stage};
use triggers::{Member, Schedule, Turn};

/// What a transaction did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Its number in the history.
    pub id: u32,
    /// Files kept next to others because somebody had edited them.
    pub notes: Vec<String>,
}

impl System {
    /// Whether a transaction was interrupted and waits to be finished or taken back.
    ///
    /// # Errors
    /// When the root cannot be read.
    pub fn is_interrupted(&self) -> Result<bool, SystemError> {
        Ok(journal::JournalFile::new(&self.own_directory()?, &()).exists())
    }

    /// Makes every check a transaction makes, and nothing else.
    ///
    /// # Errors
    /// What the transaction would fail with before it changes anything.
    pub fn check(&self, steps: &[Step], settings: &Settings<'_>) -> Result<(), ApplyError> {
        let installed = self.installed()?;
        let order = Order::new(self, &installed, steps, settings)?;
        match order.plan(self, &installed, "check") {
            Err(error) if settings.scripts && order.may_mend(&error) => Ok(()),
            result => result.map(drop),
        }
    }

    /// Runs a program of the system with its arguments as scripts of packages are run, what it prints reported. Says whether it succeeded.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn run(&self, command: &[String], settings: &Settings<'_>) -> Result<bool, ApplyError> {
        let Some((program, arguments)) = command.split_first() else { return Ok(false) };
        let own = self.own_directory()?;
        let (ended, printed) = Stage { root: self.root(), own: &own, settings }.quietly(program, arguments)?;
        if !printed.is_empty() {
            settings.observer.report(Event::Output { text: &String::from_utf8_lossy(&printed) });
        }
        match ended {
            Ended::Well => Ok(true),
            Ended::Badly(_) => Ok(false),
            Ended::Missing(source) => Err(ApplyError::Program { program: program.clone(), source }),
        }
    }

    /// The directory of the journal, on this machine.
    fn own_directory(&self) -> Result<PathBuf, SystemError> {
        let file = self.file(&format!("{}/journal", system::DIRECTORY))?;
        Ok(file.parent().map_or(file.clone(), PathBuf::from))
    }
}

impl LockedSystem {
    /// Finishes or takes back a transaction that was interrupted, if there is one.
    ///
    /// # Errors
    /// When the disk refuses; then the next call tries again.
    pub fn recover(&self, settings: &Settings<'_>) -> Result<Option<Recovery>, ApplyError> {
        recover::recover(self.system(), settings)
    }

    /// Carries out the steps: all of them, or none. Steps may come in any order.
    ///
    /// # Errors
    /// When the packages do not fit, there is no room, a script forbids it, or the disk refuses; then the system is as it was.
    pub fn apply(&self, steps: &[Step], settings: &Settings<'_>) -> Result<Applied, ApplyError> {
        self.recover(settings)?;
        let installed = self.system().installed()?;
        run::run(self.system(), &installed, steps, settings)
    }

    /// As [`LockedSystem::apply`], where what is installed was read already; it is read again if it is not current.
    ///
    /// # Errors
    /// As there.
    pub fn apply_to(&self, installed: &[Installed], steps: &[Step], settings: &Settings<'_>) -> Result<Applied, ApplyError> {
        if self.recover(settings)?.is_some() || !self.system().is_current(installed)? {
            return self.apply(steps, settings);
        }
        run::run(self.system(), installed, steps, settings)
    }
}

/// One package that comes, with those that go for it.
struct Coming<'a> {
    package: &'a RpmFile,
    action: Action,
    reason: Reason,
    /// Indexes into the packages that go.
    replaces: Vec<usize>,
}

/// One package that goes.
struct Going<'a> {
    package: &'a InstalledPackage,
    action: Action,
    reason: Reason,
}

/// What comes and what goes, in their order, and the scripts that will run.
struct Order<'a> {
    /// In the order of installation.
    coming: Vec<Coming<'a>>,
    /// Those that nothing comes for last, what needs others before those.
    going: Vec<Going<'a>>,
    /// Empty where no scripts run.
    schedule: Schedule<'a>,
}

/// What a transaction does to files.
struct Plan {
    files: FilePlan,
    /// A directory on each file system that is written.
    devices: Vec<String>,
}

impl<'a> Order<'a> {
    fn new(system: &System, installed: &'a [Installed], steps: &'a [Step], settings: &Settings<'_>) -> Result<Self, ApplyError> {
        let (coming, going) = sort(installed, steps)?;
        let mut order = Self { coming, going, schedule: Schedule::default() };
        if settings.scripts {
            order.schedule = order.schedule(installed);
            order.scripts_can_run(system)?;
        }
        Ok(order)
    }

    /// Finds out what to do to files, and whether it can be done.
    fn plan(&self, system: &System, installed: &[Installed], id: &str) -> Result<Plan, ApplyError> {
        let incoming: Vec<&RpmFile> = self.coming.iter().map(|coming| coming.package).collect();
        let outgoing: Vec<&InstalledPackage> = self.going.iter().map(|going| going.package).collect();
        let leaves = |package: &InstalledPackage| outgoing.iter().any(|other| other.number == package.number);
        let staying: Vec<&InstalledPackage> = installed.iter().map(|one| &one.package).filter(|package| !leaves(package)).collect();
        let packages = Packages { incoming: &incoming, outgoing: &outgoing, staying: &staying };
        let open = || Beneath::open(system.root()).map_err(|source| ApplyError::Change { path: "/".into(), source });
        let files = plan::plan(packages, open()?, [Places::new(open()?), Places::new(open()?)], id)?;
        let devices = space::check(packages, &files, &mut open()?)?;
        Ok(Plan { files, devices })
    }

    /// Packages come and go in turn: what one replaces goes when it has come.
    fn turns(&self) -> Vec<Turn> {
        let mut left: Vec<usize> = (0..self.going.len()).collect();
        let mut turns = Vec::with_capacity(self.coming.len() + self.going.len());
        for (index, coming) in self.coming.iter().enumerate() {
            turns.push(Turn::Install(index));
            for replaced in &coming.replaces {
                if let Some(at) = left.iter().position(|other| other == replaced) {
                    turns.push(Turn::Remove(left.remove(at)));
                }
            }
        }
        turns.extend(left.into_iter().map(Turn::Remove));
        turns
    }

    fn schedule(&self, installed: &'a [Installed]) -> Schedule<'a> {
        let there = installed.iter().map(|one| {
            let InstalledPackage { package, files, triggers, .. } = &one.package;
            Member { nevra: &package.nevra, files, triggers }
        });
        let coming = self.coming.iter().map(|coming| {
            let RpmFile { package, files, triggers, .. } = coming.package;
            Member { nevra: &package.nevra, files, triggers }
        });
        let place = |going: &Going<'_>| installed.iter().position(|one| one.package.number == going.package.number);
        let going: Vec<usize> = self.going.iter().filter_map(place).collect();
        Schedule::new(there.collect(), coming.collect(), &going, &self.turns())
    }

    /// Every script that will run, by package.
    fn scripts(&self) -> impl Iterator<Item = (String, &'static str, Scriptlet)> {
        const COMING: [Phase; 4] = [Phase::BeforeAll, Phase::BeforeInstall, Phase::AfterInstall, Phase::AfterAll];
        const GOING: [Phase; 2] = [Phase::BeforeRemoval, Phase::AfterRemoval];
        let coming = self.coming.iter().flat_map(|coming| {
            COMING
                .into_iter()
                .filter_map(|phase| Some((coming.package.package.nevra.to_string(), phase.section(), coming.package.scriptlet(phase)?)))
        });
        let going = self.going.iter().flat_map(|going| {
            GOING
                .into_iter()
                .filter_map(|phase| Some((going.package.package.nevra.to_string(), phase.section(), going.package.scriptlet(phase)?)))
        });
        coming.chain(going)
    }

    /// Every trigger that will run. Those in Lua are left out: one of an installed package must not stop all that is ever done to others.
    fn triggers(&self) -> impl Iterator<Item = (String, &'static str, Scriptlet)> {
        let runs = self.schedule.all().filter(|fired| !fired.trigger.script.is_lua());
        runs.map(|fired| (fired.owner.to_string(), fired.trigger.section(), fired.trigger.script.clone()))
    }

    fn scripts_can_run(&self, system: &System) -> Result<(), ApplyError> {
        let privileged = nix::unistd::geteuid().is_root() || system.root() == std::path::Path::new("/");
        for (package, section, script) in self.scripts().chain(self.triggers()) {
            let reason = match () {
                () if script.is_lua() => "it is written in RPM's Lua; `--setopt=tsflags=noscripts` skips scripts",
                () if !privileged => "only root can run programs of another root; `--setopt=tsflags=noscripts` skips scripts",
                () => continue,
            };
            return Err(ApplyError::Script { package, section, reason });
        }
        Ok(())
    }

    /// Names the triggers that would run and cannot.
    fn warn(&self, settings: &Settings<'_>) {
        let lua = self.schedule.all().filter(|fired| fired.trigger.script.is_lua());
        let named: BTreeSet<String> = lua.map(|fired| format!("{} of {}", fired.trigger.section(), fired.owner)).collect();
        for name in named {
            settings.observer.report(Event::Warning { text: &format!("{name} is written in RPM's Lua and is not run") });
        }
    }

    /// Whether `%pretrans` might take away what made the plan fail.
    fn may_mend(&self, error: &ApplyError) -> bool {
        let has_script = |coming: &Coming<'_>| coming.package.scriptlet(Phase::BeforeAll).is_some();
        matches!(error, ApplyError::InTheWay { .. } | ApplyError::SavedNameTaken { .. }) && self.coming.iter().any(has_script)
    }
}

/// Puts the packages into the order they come and go in.
fn sort<'a>(installed: &'a [Installed], steps: &'a [Step]) -> Result<(Vec<Coming<'a>>, Vec<Going<'a>>), ApplyError> {
    let find = |number: u32| installed.iter().find(|one| one.package.number == number).ok_or(ApplyError::NotInstalled { number });
    let mut going: Vec<Going<'a>> = Vec::new();
    let mut coming = Vec::new();
    for step in steps {
        let mut replaces = Vec::new();
        for (number, action) in step.outgoing() {
            // Two packages may replace the same one.
            let known = going.iter().position(|going| going.package.number == number);
            let one = find(number)?;
            replaces.push(known.unwrap_or(going.len()));
            if known.is_none() {
                going.push(Going { package: &one.package, action, reason: one.reason });
            }
        }
        if let Some((package, action)) = step.incoming() {
            let inherited = replaces.iter().map(|index| going[*index].reason).min();
            let reason = match step {
                // A package asked for stays so when another takes its place.
                Step::Install { reason, .. } => inherited.map_or(*reason, |inherited| inherited.min(*reason)),
                _ => inherited.unwrap_or(Reason::User),
            };
            coming.push(Coming { package: package.file(), action, reason, replaces });
        }
    }
    let facts: Vec<_> = coming.iter().map(|coming| &coming.package.package).collect();
    let order = order::by_dependencies(&facts);
    let mut slots: Vec<Option<Coming<'a>>> = coming.into_iter().map(Some).collect();
    let mut coming: Vec<Coming<'a>> = order.into_iter().filter_map(|index| slots[index].take()).collect();
    let going = order_going(&mut coming, going);
    Ok((coming, going))
}

/// Orders what goes: for each that comes those it replaces, then the rest, those that need others first.
fn order_going<'a>(coming: &mut [Coming<'a>], going: Vec<Going<'a>>) -> Vec<Going<'a>> {
    let facts: Vec<_> = going.iter().map(|going| &going.package.package).collect();
    let mut order: Vec<usize> = order::by_dependencies(&facts);
    order.reverse();
    let replaced: Vec<usize> = coming.iter().flat_map(|coming| coming.replaces.clone()).collect();
    order.sort_by_key(|index| replaced.iter().position(|other| other == index).unwrap_or(usize::MAX));
    for coming in coming {
        for index in &mut coming.replaces {
            *index = order.iter().position(|other| other == index).unwrap_or(*index);
        }
    }
    let mut slots: Vec<Option<Going<'a>>> = going.into_iter().map(Some).collect();
    order.into_iter().filter_map(|index| slots[index].take()).collect()
}
