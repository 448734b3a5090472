//! Carrying a transaction out.

use std::borrow::Cow;
use std::collections::HashMap;

use super::accounts::Accounts;
use super::error::ApplyError;
use super::journal::{Journal, JournalFile, Reached};
use super::op::{Attributes, Op, Stage as Staged};
use super::scripts::{Ended, Pending, Stage};
use super::stage::Stager;
use super::{Applied, Prepared, change, database, recover};
use crate::history::Reason;
use crate::package::Package;
use crate::rpmdb::{self, Changes};
use crate::rpmfile::{Phase, RpmFile, Scriptlet};
use crate::system::{Installed, System};
use crate::transaction::beneath::Beneath;
use crate::transaction::place::Places;
use crate::transaction::step::{Event, Settings, Step};

/// Carries out the steps on a system whose lock is held and whose journal is empty.
pub(super) fn run(system: &System, installed: &[Installed], steps: &[Step], settings: &Settings<'_>) -> Result<Applied, ApplyError> {
    let mut changes = Changes::open(&database(system)?)?;
    let removed: Vec<u32> = steps.iter().flat_map(Step::outgoing).map(|(number, _)| number).collect();
    let added = steps.iter().filter(|step| step.incoming().is_some()).count();
    let plan = changes.plan(&removed, added)?;
    // Numbers in the database are never used twice.
    let id = format!("{:x}-{}", settings.time, plan.mark());
    let prepared = Prepared::new(system, installed, steps, &id, settings)?;
    let open = || Beneath::open(system.root()).map_err(|source| ApplyError::Change { path: "/".into(), source });
    let accounts = Accounts::read(&mut open()?, &mut Places::new(open()?))
        .map_err(|source| ApplyError::Change { path: "/etc/passwd".into(), source })?;
    let privileged = nix::unistd::geteuid().is_root();
    let own = system.own_directory()?;
    let work = Work {
        prepared: &prepared,
        stager: Stager { root: system.root(), settings, accounts, privileged },
        stage: Stage { root: system.root(), own: &own, settings },
        file: JournalFile::new(&own, settings.gate),
    };
    let mut counts = Counts::new(installed);
    work.before_all(&counts)?;
    // Made again for the end: to keep it would take memory while files are unpacked, when it is scarce.
    let journal = || prepared.journal(&id, &plan, &work.stager.accounts, &Counts::new(installed), settings);
    let done = work.file.write(&journal()).and_then(|()| work.carry_out(&mut counts, &mut changes, &plan));
    drop(changes);
    if let Err(error) = done {
        return Err(match recover::recover(system, settings) {
            Ok(_) => error,
            Err(undoing) => ApplyError::Stuck { source: Box::new(error), undoing: Box::new(undoing) },
        });
    }
    let id = recover::finish(system, &journal(), &work.file, settings)?;
    Ok(Applied { id, notes: prepared.files.notes })
}

struct Work<'a> {
    prepared: &'a Prepared<'a>,
    stager: Stager<'a>,
    stage: Stage<'a>,
    file: JournalFile<'a>,
}

impl Work<'_> {
    /// `%pretrans` runs before anything is changed, so that it may still forbid it.
    fn before_all(&self, counts: &Counts) -> Result<(), ApplyError> {
        for coming in &self.prepared.coming {
            let package = &coming.package.package;
            self.script(package, Phase::BeforeAll, coming.package.scriptlet(Phase::BeforeAll), counts.of(package) + 1)?;
        }
        Ok(())
    }

    /// Everything up to the commit that decides.
    fn carry_out(&self, counts: &mut Counts, changes: &mut Changes, plan: &rpmdb::Plan) -> Result<(), ApplyError> {
        let mut disk = self.stager.open()?;
        let packages: Vec<&RpmFile> = self.prepared.coming.iter().map(|coming| coming.package).collect();
        self.write(&packages, &mut disk)?;
        let settings = self.stage.settings;
        let mut record = || Ok(changes.write(plan, &packages, settings.time)?);
        if settings.scripts && self.prepared.scripts().next().is_some() {
            // A script may ask the database, which is closed to others once it is written to.
            self.names(counts, &mut disk)?;
            record()?;
        } else {
            let (named, recorded) = rayon::join(|| self.names(counts, &mut disk), record);
            named.and(recorded)?;
        }
        settings.gate.pass("commit").map_err(|source| ApplyError::Change { path: rpmdb::FILE.into(), source })?;
        Ok(changes.commit()?)
    }

    /// Writes everything new under temporary names, and gives what will be replaced its second one.
    fn write(&self, packages: &[&RpmFile], disk: &mut Beneath<'_>) -> Result<(), ApplyError> {
        let files = &self.prepared.files;
        files.prepare.iter().try_for_each(|op| change::perform(op, disk, &self.stager))?;
        self.stager.stage(packages, files)?;
        let mut replaces = false;
        for op in files.ops().filter(|op| matches!(op, Op::Put { aside: Some(_), .. })) {
            change::hold(op, disk)?;
            replaces = true;
        }
        // Second names must be on the disk before the first are taken away; where nothing is replaced, there are none.
        if replaces {
            self.sync(disk)?;
        }
        self.file.reach(Reached::Written)
    }

    /// Changes the names of files, and runs what scripts come with that.
    fn names(&self, counts: &mut Counts, disk: &mut Beneath<'_>) -> Result<(), ApplyError> {
        let files = &self.prepared.files;
        let mut gone = vec![false; self.prepared.going.len()];
        for (coming, plan) in self.prepared.coming.iter().zip(&files.incoming) {
            let package = &coming.package.package;
            let count = counts.add(package);
            self.script(package, Phase::BeforeInstall, coming.package.scriptlet(Phase::BeforeInstall), count)?;
            disk.forget();
            plan.ops.iter().try_for_each(|op| change::perform(op, disk, &self.stager))?;
            self.script(package, Phase::AfterInstall, coming.package.scriptlet(Phase::AfterInstall), count)?;
            self.report(|package| Event::Installed { package }, package);
            for index in &coming.replaces {
                self.remove(*index, &mut gone, counts, disk)?;
            }
        }
        for index in 0..self.prepared.going.len() {
            self.remove(index, &mut gone, counts, disk)?;
        }
        files.adjust.iter().try_for_each(|op| change::perform(op, disk, &self.stager))?;
        self.sync(disk)
    }

    fn remove(&self, index: usize, gone: &mut [bool], counts: &mut Counts, disk: &mut Beneath<'_>) -> Result<(), ApplyError> {
        if std::mem::replace(&mut gone[index], true) {
            return Ok(());
        }
        let going = self.prepared.going[index].package;
        let count = counts.take(&going.package);
        self.script(&going.package, Phase::BeforeRemoval, going.scriptlet(Phase::BeforeRemoval), count)?;
        disk.forget();
        self.prepared.files.outgoing[index].ops.iter().try_for_each(|op| change::perform(op, disk, &self.stager))?;
        self.script(&going.package, Phase::AfterRemoval, going.scriptlet(Phase::AfterRemoval), count)?;
        self.report(|package| Event::Removed { package }, &going.package);
        Ok(())
    }

    fn sync(&self, disk: &mut Beneath<'_>) -> Result<(), ApplyError> {
        for path in &self.prepared.devices {
            disk.sync(path).map_err(|source| ApplyError::Change { path: path.clone(), source })?;
        }
        Ok(())
    }

    fn report(&self, event: impl for<'e> FnOnce(&'e str) -> Event<'e>, package: &Package) {
        self.stage.settings.observer.report(event(&package.nevra.to_string()));
    }

    /// Runs a script. What runs before a change may forbid it; what runs after may only complain.
    fn script(&self, package: &Package, phase: Phase, script: Option<Scriptlet>, count: usize) -> Result<(), ApplyError> {
        let Some(script) = script.filter(|_| self.stage.settings.scripts) else { return Ok(()) };
        let name = package.nevra.to_string();
        let ended = self.stage.script(&Pending::new(&name, phase, script, count))?;
        let (code, text) = match ended {
            Ended::Well => return Ok(()),
            Ended::Badly(code) => (code, code.map_or_else(|| "was killed".to_owned(), |code| format!("failed with exit code {code}"))),
            Ended::Missing(error) => (None, format!("cannot be run: {error}")),
        };
        if matches!(phase, Phase::BeforeAll | Phase::BeforeInstall | Phase::BeforeRemoval) {
            return Err(ApplyError::ScriptFailed { package: name, section: phase.section(), code });
        }
        self.stage.settings.observer.report(Event::Warning { text: &format!("{} of {name} {text}", phase.section()) });
        Ok(())
    }
}

impl Prepared<'_> {
    /// What is written down before anything is changed.
    fn journal(&self, id: &str, plan: &rpmdb::Plan, accounts: &Accounts, counts: &Counts, settings: &Settings<'_>) -> Journal<'_> {
        let mut journal = Journal::new(id.to_owned(), plan.clone());
        journal.time = settings.time;
        journal.user = settings.user;
        journal.command = settings.command.to_owned();
        journal.finish = settings.finish;
        journal.ops = self.files.ops().map(Cow::Borrowed).collect();
        let plans = self.files.incoming.iter().chain(&self.files.outgoing);
        journal.temporary = plans.flat_map(|plan| plan.stages().map(|(name, _)| Cow::Borrowed(name))).collect();
        journal.late = self.late(accounts);
        let change = |package: &Package, action, reason: Reason| {
            let nevra = &package.nevra;
            (action, nevra.name.clone(), nevra.evr.to_string(), nevra.arch.clone(), reason)
        };
        let going = self.going.iter().map(|going| change(&going.package.package, going.action, going.reason));
        let coming = self.coming.iter().map(|coming| change(&coming.package.package, coming.action, coming.reason));
        journal.changes = going.chain(coming).collect();
        for coming in self.coming.iter().filter(|_| settings.scripts) {
            let package = &coming.package.package;
            let name = package.nevra.to_string();
            let same = |other: &Package| other.nevra.name == package.nevra.name;
            let goes = self.going.iter().filter(|going| same(&going.package.package)).count();
            let comes = self.coming.iter().filter(|coming| same(&coming.package.package)).count();
            let count = (counts.of(package) + comes).saturating_sub(goes);
            let script = coming.package.scriptlet(Phase::AfterAll);
            journal.scripts.extend(script.map(|script| Pending::new(&name, Phase::AfterAll, script, count)));
        }
        journal
    }

    /// The files whose owner the tree does not know yet, by the names they will have.
    fn late(&self, accounts: &Accounts) -> Vec<(String, Attributes)> {
        let unknown = |attributes: &Attributes| accounts.find(attributes).is_none();
        let mut late = Vec::new();
        for (coming, plan) in self.coming.iter().zip(&self.files.incoming) {
            let stages: HashMap<&str, &Staged> = plan.stages().collect();
            for op in &plan.ops {
                let Op::Put { path, new, .. } = op else { continue };
                let Some(Staged::Content(file)) = stages.get(new.as_str()) else { continue };
                let attributes = Attributes::of(&coming.package.files[*file]);
                if unknown(&attributes) {
                    late.push((path.clone(), attributes));
                }
            }
        }
        for op in self.files.prepare.iter().chain(&self.files.adjust) {
            if let Op::MakeDirectory { path, attributes } | Op::Adjust { path, attributes, .. } = op
                && unknown(attributes)
            {
                late.push((path.clone(), attributes.clone()));
            }
        }
        late
    }
}

/// How many packages of each name there are, which is passed to scripts.
struct Counts(HashMap<String, usize>);

impl Counts {
    fn new(installed: &[Installed]) -> Self {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for one in installed {
            *counts.entry(one.package.package.nevra.name.clone()).or_default() += 1;
        }
        Self(counts)
    }

    fn of(&self, package: &Package) -> usize {
        self.0.get(&package.nevra.name).copied().unwrap_or(0)
    }

    fn add(&mut self, package: &Package) -> usize {
        let count = self.0.entry(package.nevra.name.clone()).or_default();
        *count += 1;
        *count
    }

    fn take(&mut self, package: &Package) -> usize {
        let count = self.0.entry(package.nevra.name.clone()).or_default();
        *count = count.saturating_sub(1);
        *count
    }
}
