//! Carrying a transaction out.

use std::borrow::Cow;
use std::collections::HashMap;

use super::accounts::Accounts;
use super::error::ApplyError;
use super::journal::{Journal, JournalFile, Reached};
use super::op::{Attributes, Op, Stage as Staged};
use super::plan::FilePlan;
use super::scripts::{Pending, Stage};
use super::stage::Stager;
use super::triggers::{Moment, Turn};
use super::{Applied, Order, Plan, change, recover};
use crate::history::Reason;
use crate::package::Package;
use crate::rpmdb::{self, Changes};
use crate::rpmfile::{Phase, RpmFile};
use crate::system::{Installed, System};
use crate::transaction::beneath::Beneath;
use crate::transaction::place::Places;
use crate::transaction::step::{Event, Settings, Step};

/// Carries out the steps on a system whose lock is held and whose journal is empty.
pub(super) fn run(system: &System, installed: &[Installed], steps: &[Step], settings: &Settings<'_>) -> Result<Applied, ApplyError> {
    let mut changes = Changes::open(&system.database()?)?;
    let removed: Vec<u32> = steps.iter().flat_map(Step::outgoing).map(|(number, _)| number).collect();
    let added = steps.iter().filter(|step| step.incoming().is_some()).count();
    let plan = changes.plan(&removed, added)?;
    // Numbers in the database are never used twice.
    let id = format!("{:x}-{}", settings.time, plan.mark());
    let order = Order::new(system, installed, steps, settings)?;
    order.warn(settings);
    let mut counts = Counts::new(installed);
    let own = system.own_directory()?;
    let stage = Stage { root: system.root(), own: &own, settings };
    let planned = planned(system, installed, &order, &id, || before_all(&order, stage, &counts))?;
    let open = || Beneath::open(system.root()).map_err(|source| ApplyError::Change { path: "/".into(), source });
    let accounts = Accounts::read(&mut open()?, &mut Places::new(open()?))
        .map_err(|source| ApplyError::Change { path: "/etc/passwd".into(), source })?;
    let privileged = nix::unistd::geteuid().is_root();
    let work = Work {
        order: &order,
        files: &planned.files,
        devices: &planned.devices,
        stager: Stager { root: system.root(), settings, accounts, privileged },
        stage,
        file: JournalFile::new(&own, settings.gate),
    };
    stage.fire(order.schedule.at(Moment::BeforeAll))?;
    // Made again for the end: to keep it would take memory while files are unpacked, when it is scarce.
    let journal = || work.journal(&id, &plan, &Counts::new(installed));
    let done = work.file.write(&journal()).and_then(|()| work.carry_out(&mut counts, &mut changes, &plan));
    drop(changes);
    if let Err(error) = done {
        return Err(match recover::recover(system, settings) {
            Ok(_) => error,
            Err(undoing) => ApplyError::Stuck { source: Box::new(error), undoing: Box::new(undoing) },
        });
    }
    let id = recover::finish(system, &journal(), &work.file, settings)?;
    Ok(Applied { id, notes: planned.files.notes })
}

/// Decides what becomes of files. `%pretrans` runs before, as it may take away what is in the way; what it cannot mend is refused before it runs.
fn planned(
    system: &System,
    installed: &[Installed],
    order: &Order<'_>,
    id: &str,
    before_all: impl FnOnce() -> Result<bool, ApplyError>,
) -> Result<Plan, ApplyError> {
    match order.plan(system, installed, id) {
        Err(error) if !order.may_mend(&error) => Err(error),
        first => match before_all()? {
            true => order.plan(system, installed, id),
            false => first,
        },
    }
}

/// Runs `%pretrans`, which may forbid everything and is the first that may change the system. Says whether there was one.
fn before_all(order: &Order<'_>, stage: Stage<'_>, counts: &Counts) -> Result<bool, ApplyError> {
    stage.settings.observer.report(Event::Begins);
    let mut ran = false;
    for coming in order.coming.iter().filter(|_| stage.settings.scripts) {
        let package = &coming.package.package;
        let script = coming.package.scriptlet(Phase::BeforeAll);
        ran |= script.is_some();
        stage.of_package(package, Phase::BeforeAll, script, counts.of(package) + 1)?;
    }
    Ok(ran)
}

struct Work<'a> {
    order: &'a Order<'a>,
    files: &'a FilePlan,
    devices: &'a [String],
    stager: Stager<'a>,
    stage: Stage<'a>,
    file: JournalFile<'a>,
}

impl Work<'_> {
    /// Everything up to the commit that decides.
    fn carry_out(&self, counts: &mut Counts, changes: &mut Changes, plan: &rpmdb::Plan) -> Result<(), ApplyError> {
        let mut disk = self.stager.open()?;
        let packages: Vec<&RpmFile> = self.order.coming.iter().map(|coming| coming.package).collect();
        self.write(&packages, &mut disk)?;
        let settings = self.stage.settings;
        let mut record = || Ok(changes.write(plan, &packages, settings.time)?);
        if settings.scripts && self.order.scripts().chain(self.order.triggers()).next().is_some() {
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
        let files = self.files;
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
        for turn in self.order.turns() {
            match turn {
                Turn::Install(index) => self.install(index, counts, disk)?,
                Turn::Remove(index) => self.remove(index, counts, disk)?,
            }
        }
        self.files.adjust.iter().try_for_each(|op| change::perform(op, disk, &self.stager))?;
        self.sync(disk)
    }

    fn install(&self, index: usize, counts: &mut Counts, disk: &mut Beneath<'_>) -> Result<(), ApplyError> {
        let file = self.order.coming[index].package;
        let count = counts.add(&file.package);
        self.fire(Moment::BeforeInstall(index))?;
        self.stage.of_package(&file.package, Phase::BeforeInstall, file.scriptlet(Phase::BeforeInstall), count)?;
        disk.forget();
        self.files.incoming[index].ops.iter().try_for_each(|op| change::perform(op, disk, &self.stager))?;
        self.fire(Moment::FilesThere(index))?;
        self.stage.of_package(&file.package, Phase::AfterInstall, file.scriptlet(Phase::AfterInstall), count)?;
        self.fire(Moment::AfterInstall(index))?;
        self.report(|package| Event::Installed { package }, &file.package);
        Ok(())
    }

    fn remove(&self, index: usize, counts: &mut Counts, disk: &mut Beneath<'_>) -> Result<(), ApplyError> {
        let going = self.order.going[index].package;
        let count = counts.take(&going.package);
        self.fire(Moment::BeforeRemoval(index))?;
        self.stage.of_package(&going.package, Phase::BeforeRemoval, going.scriptlet(Phase::BeforeRemoval), count)?;
        self.fire(Moment::FilesGo(index))?;
        disk.forget();
        self.files.outgoing[index].ops.iter().try_for_each(|op| change::perform(op, disk, &self.stager))?;
        self.fire(Moment::FilesGone(index))?;
        self.stage.of_package(&going.package, Phase::AfterRemoval, going.scriptlet(Phase::AfterRemoval), count)?;
        self.fire(Moment::AfterRemoval(index))?;
        self.report(|package| Event::Removed { package }, &going.package);
        Ok(())
    }

    /// Runs the triggers of a moment.
    fn fire(&self, moment: Moment) -> Result<(), ApplyError> {
        self.stage.fire(self.order.schedule.at(moment))
    }

    fn sync(&self, disk: &mut Beneath<'_>) -> Result<(), ApplyError> {
        for path in self.devices {
            disk.sync(path).map_err(|source| ApplyError::Change { path: path.clone(), source })?;
        }
        Ok(())
    }

    fn report(&self, event: impl for<'e> FnOnce(&'e str) -> Event<'e>, package: &Package) {
        self.stage.settings.observer.report(event(&package.nevra.to_string()));
    }

    /// What is written down before anything is changed.
    fn journal(&self, id: &str, plan: &rpmdb::Plan, counts: &Counts) -> Journal<'_> {
        let (settings, order) = (self.stage.settings, self.order);
        let mut journal = Journal::new(id.to_owned(), plan.clone());
        journal.time = settings.time;
        journal.user = settings.user;
        journal.command = settings.command.to_owned();
        journal.finish = settings.finish;
        journal.ops = self.files.ops().map(Cow::Borrowed).collect();
        let plans = self.files.incoming.iter().chain(&self.files.outgoing);
        journal.temporary = plans.flat_map(|plan| plan.stages().map(|(name, _)| Cow::Borrowed(name))).collect();
        journal.late = self.late();
        let change = |package: &Package, action, reason: Reason| {
            let nevra = &package.nevra;
            (action, nevra.name.clone(), nevra.evr.to_string(), nevra.arch.clone(), reason)
        };
        let going = order.going.iter().map(|going| change(&going.package.package, going.action, going.reason));
        let coming = order.coming.iter().map(|coming| change(&coming.package.package, coming.action, coming.reason));
        journal.changes = going.chain(coming).collect();
        for coming in order.coming.iter().filter(|_| settings.scripts) {
            let package = &coming.package.package;
            let name = package.nevra.to_string();
            // As many as before the transaction and itself, as with rpm: what it replaces counts, though it is gone by then.
            let count = counts.of(package) + 1;
            let script = coming.package.scriptlet(Phase::AfterAll);
            journal.scripts.extend(script.map(|script| Pending::new(&name, Phase::AfterAll, script, count)));
        }
        journal.scripts.extend(order.schedule.at(Moment::AfterAll).iter().filter_map(Pending::of));
        journal
    }

    /// The files whose owner the tree does not know yet, by the names they will have.
    fn late(&self) -> Vec<(String, Attributes)> {
        let unknown = |attributes: &Attributes| self.stager.accounts.find(attributes).is_none();
        let mut late = Vec::new();
        for (coming, plan) in self.order.coming.iter().zip(&self.files.incoming) {
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
