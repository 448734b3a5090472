//! After the change of the database, or after an interruption: finishing, or taking back.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::accounts::Accounts;
use super::change;
use super::error::ApplyError;
use super::finish as ending;
use super::journal::{Journal, JournalFile, Reached};
use super::op::Op;
use super::scripts::Stage;
use super::stage::Stager;
use crate::history::{Change, History, Record};
use crate::package::Nevra;
use crate::rpmdb::Changes;
use crate::system::{self, System};
use crate::transaction::beneath::Beneath;
use crate::transaction::place::Places;
use crate::transaction::step::{Event, Settings};
use crate::version::Evr;

/// As many threads let the old state go; they wait much more than they work.
const SETTLED_AT_ONCE: usize = 8;

/// A thread takes so many changes at a time: most are side by side, and each leap to another directory opens all above it.
const SETTLED_IN_A_ROW: usize = 16;

/// What became of a transaction that was interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// The system is as it was before it.
    Undone,
    /// It was finished.
    Finished,
}

/// Looks for a journal and does what it calls for.
pub(super) fn recover(system: &System, settings: &Settings<'_>) -> Result<Option<Recovery>, ApplyError> {
    let file = JournalFile::new(&system.own_directory()?, settings.gate);
    let Some((journal, reached)) = file.read()? else { return Ok(None) };
    settings.observer.report(Event::Begins);
    if reached != Reached::Undone && Changes::open(&system.database()?)?.is_applied(&journal.database)? {
        finish(system, &journal, &file, settings)?;
        return Ok(Some(Recovery::Finished));
    }
    undo(system, &journal, reached, &file, settings)?;
    Ok(Some(Recovery::Undone))
}

fn opened<'g>(system: &System, settings: &Settings<'g>) -> Result<Beneath<'g>, ApplyError> {
    Beneath::of_system(system.root(), settings.gate).map_err(|source| ApplyError::Change { path: "/".into(), source })
}

/// Takes everything back: first the names, then the temporary files, so that a second interruption finds out what is left to do.
fn undo(
    system: &System,
    journal: &Journal<'_>,
    reached: Reached,
    file: &JournalFile<'_>,
    settings: &Settings<'_>,
) -> Result<(), ApplyError> {
    let privileged = nix::unistd::geteuid().is_root();
    let mut disk = opened(system, settings)?;
    let remove =
        |path: &str, disk: &mut Beneath<'_>| disk.unlink(path).map_err(|source| ApplyError::Change { path: path.to_owned(), source });
    if reached != Reached::Undone {
        // Before names were changed, what has a name and no second one was never ours.
        let ours = |op: &&Cow<'_, Op>| !op.prepares() && (reached == Reached::Written || op.aside().is_some());
        for op in journal.ops.iter().rev().filter(ours) {
            change::undo(op, &mut disk, privileged)?;
        }
        sync(&journal.ops, &mut disk)?;
        file.reach(Reached::Undone)?;
    }
    journal.temporary.iter().try_for_each(|path| remove(path, &mut disk))?;
    for op in journal.ops.iter().rev().filter(|op| op.prepares()) {
        change::undo(op, &mut disk, privileged)?;
    }
    remove_script(system)?;
    sync(&journal.ops, &mut disk)?;
    file.remove()
}

/// Lets the old state go, writes the history and does what is done once at the end. Gives the number in the history.
pub(super) fn finish(system: &System, journal: &Journal<'_>, file: &JournalFile<'_>, settings: &Settings<'_>) -> Result<u32, ApplyError> {
    settle(system, &journal.ops, settings)?;
    let mut disk = opened(system, settings)?;
    let mut history = History::open(&system.file(system::HISTORY)?)?;
    settings.gate.pass("commit").map_err(|source| ApplyError::Change { path: system::HISTORY.into(), source })?;
    let id = history.add(&record(journal))?;
    let own = system.own_directory()?;
    let stage = Stage { root: system.root(), own: &own, settings };
    let privileged = nix::unistd::geteuid().is_root();
    let mut installable = |path: &str| ending::is_installable(path, &mut disk);
    let tasks = if journal.finish { ending::tasks(&journal.ops, system.is_running(), &mut installable) } else { Default::default() };
    ending::run(&tasks.libraries, stage, privileged);
    let with_users = || -> Result<(), ApplyError> {
        ending::run(&tasks.users, stage, privileged);
        own_late(system, journal, settings, &mut disk)?;
        ending::run(&tasks.files, stage, privileged);
        Ok(())
    };
    let (owned, others) = rayon::join(with_users, || ending::run_together(&tasks.others, stage, privileged));
    others.into_iter().for_each(|done| ending::report(stage, done));
    owned?;
    ending::run(&tasks.last, stage, privileged);
    for script in &journal.scripts {
        let ended = stage.script(script)?;
        stage.complain(script, &ended);
    }
    remove_script(system)?;
    // What is still to reach the disk is only what was taken away or given to its owner since.
    if !journal.late.is_empty() || journal.ops.iter().any(|op| op.aside().is_some()) {
        sync(&journal.ops, &mut disk)?;
    }
    file.remove()?;
    Ok(id)
}

/// Lets the old state go: all files, then directories, children first as they are listed. File systems that tell the disk of every block
/// that becomes free wait for it each time, so many files are waited for at once.
fn settle(system: &System, ops: &[Cow<'_, Op>], settings: &Settings<'_>) -> Result<(), ApplyError> {
    let files: Vec<&Op> = ops.iter().map(AsRef::as_ref).filter(|op| op.aside().is_some()).collect();
    let next = AtomicUsize::new(0);
    let work = || -> Result<(), ApplyError> {
        let mut disk = opened(system, settings)?;
        while let Some(ops) = files.chunks(SETTLED_IN_A_ROW).nth(next.fetch_add(1, Ordering::Relaxed)) {
            ops.iter().try_for_each(|op| change::settle(op, &mut disk))?;
        }
        Ok(())
    };
    let others = files.len().div_ceil(SETTLED_IN_A_ROW).min(SETTLED_AT_ONCE).saturating_sub(1);
    thread::scope(|scope| {
        // A thread that cannot be had is done without.
        let others: Vec<_> = (0..others).map_while(|_| thread::Builder::new().spawn_scoped(scope, work).ok()).collect();
        let own = work();
        let join = |other: thread::ScopedJoinHandle<'_, _>| other.join().unwrap_or_else(|panic| resume_unwind(panic));
        others.into_iter().map(join).fold(own, Result::and)
    })?;
    let mut disk = opened(system, settings)?;
    let directories = ops.iter().filter(|op| matches!(***op, Op::RemoveDirectory { .. }));
    directories.map(AsRef::as_ref).try_for_each(|op| change::settle(op, &mut disk))
}

fn record(journal: &Journal<'_>) -> Record {
    let changes = journal.changes.iter().map(|(action, name, evr, arch, reason)| {
        let nevra = Nevra { name: name.clone(), evr: Evr::parse(evr), arch: arch.clone() };
        Change { action: *action, nevra, reason: *reason }
    });
    Record {
        mark: journal.id.clone(),
        time: journal.time,
        user: journal.user,
        command: journal.command.clone(),
        changes: changes.collect(),
    }
}

/// Changes files to users that were created only now. Users that are still unknown are reported.
fn own_late(system: &System, journal: &Journal<'_>, settings: &Settings<'_>, disk: &mut Beneath<'_>) -> Result<(), ApplyError> {
    let privileged = nix::unistd::geteuid().is_root();
    if journal.late.is_empty() || !privileged {
        return Ok(());
    }
    let failed = |source| ApplyError::Change { path: "/etc/passwd".into(), source };
    let mut places = Places::new(Beneath::open(system.root()).map_err(failed)?);
    let accounts = Accounts::read(disk, &mut places).map_err(failed)?;
    let mut unknown = BTreeSet::new();
    let stager = Stager { root: system.root(), settings, accounts, privileged };
    for (path, attributes) in &journal.late {
        if stager.accounts.find(attributes).is_none() {
            unknown.insert(format!("{}:{}", attributes.user, attributes.group));
        }
        if disk.stat(path).map_err(failed)?.is_some() {
            stager.dress(disk, path, attributes)?;
        }
    }
    for name in unknown {
        settings.observer.report(Event::Warning { text: &format!("`{name}` does not exist on this system; its files belong to root") });
    }
    Ok(())
}

/// A script's text that an interruption left behind.
fn remove_script(system: &System) -> Result<(), ApplyError> {
    match fs::remove_file(system.own_directory()?.join("script")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(ApplyError::Change { path: format!("{}/script", system::DIRECTORY), source: error })
        }
        _ => Ok(()),
    }
}

/// Waits until all file systems that were changed are on their disks.
fn sync(ops: &[Cow<'_, Op>], disk: &mut Beneath<'_>) -> Result<(), ApplyError> {
    let mut seen = BTreeSet::new();
    let mut directories: BTreeSet<&str> = ops.iter().filter_map(|op| op.path().rsplit_once('/')).map(|(directory, _)| directory).collect();
    directories.insert(system::DIRECTORY);
    for directory in directories {
        let failed = |source| ApplyError::Change { path: directory.to_owned(), source };
        // A directory may be gone by now; what it lay on is reached through others.
        let Some(stat) = disk.stat(directory).map_err(failed)? else { continue };
        if super::plan::kind_of(&stat) == nix::sys::stat::SFlag::S_IFDIR && seen.insert(stat.st_dev) {
            disk.sync(directory).map_err(failed)?;
        }
    }
    Ok(())
}
