//! Doing what a plan says, step by step, and telling how long each took.

mod account;
mod bootloader;
mod configure;
mod disk;
mod error;
mod files;
mod journal;
mod mount;
mod packages;
mod program;
mod target;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

pub use account::{Accounts, AccountsError, add_keys, add_user, hash_password, set_password};
pub use error::{ApplyError, chain};
pub use journal::{Done, Journal};
pub use program::{ProgramError, run as run_program};
pub use target::Target;

use crate::medium::Search;
use crate::plan::{Place, Plan, Script, Step};

/// Where the installed system is put together.
pub const TARGET: &str = "/run/kaon/target";

/// Where the journal lies in the live system, also after a failure.
pub const JOURNAL: &str = "/run/kaon/installer.json";

/// What an installation needs besides its plan.
#[derive(Clone, Debug)]
pub struct Sources {
    /// A repository of signed packages.
    pub repository: PathBuf,
    /// The public keys, ASCII-armoured, that packages and repository must be signed with.
    pub keys: PathBuf,
    /// Where scripts and additional files are looked for.
    pub search: Search,
}

/// Told how an installation goes on.
pub trait Observer: Sync {
    /// A step begins: its number from 1, how many there are, and what it does, in one line.
    fn begins(&self, number: usize, of: usize, what: &str);
    /// Of the step that runs so many parts are done.
    fn progress(&self, done: u64, of: u64);
    /// A program or a package said something.
    fn says(&self, text: &str);
}

/// What the steps share.
struct Run<'a> {
    sources: &'a Sources,
    observer: &'a dyn Observer,
    target: Target,
    /// Disks that are files, by path, and the devices that stand for them.
    loops: BTreeMap<String, PathBuf>,
    /// What was mounted, in order.
    mounts: Vec<PathBuf>,
}

/// Carries out a plan: on disks, or where `directory` is given in that directory alone, which must be empty or absent.
///
/// Whatever was done and how long it took is in the journal, which the installed system keeps at `/var/log/kaon-installer.json`.
///
/// # Errors
/// At the first step that fails. What is on the disks then does not start.
pub fn apply(plan: &Plan, sources: &Sources, directory: Option<&Path>, observer: &dyn Observer) -> Result<Journal, ApplyError> {
    if directory.is_none() {
        mount::release(Path::new(TARGET))?;
    }
    let target = Target::prepare(directory.unwrap_or(Path::new(TARGET)))?;
    let mut run = Run { sources, observer, target, loops: BTreeMap::new(), mounts: Vec::new() };
    let mut journal = Journal::default();
    for (index, step) in plan.steps.iter().enumerate() {
        let title = step.title();
        observer.begins(index + 1, plan.steps.len(), &title);
        if matches!(step, Step::Unmount) || (directory.is_some() && index + 1 == plan.steps.len()) {
            run.leave(&journal)?;
        }
        let start = Instant::now();
        let result = run.step(step);
        let failed = result.as_ref().err().map(chain);
        journal.steps.push(Done { what: title.clone(), ms: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX), failed });
        if directory.is_none() {
            // The live system's copy helps whoever looks for the cause; the failure itself is what counts.
            let _ = journal.write(Path::new(JOURNAL));
        }
        result.map_err(|source| ApplyError::Step { number: index + 1, what: title, source: Box::new(source) })?;
    }
    if directory.is_some() {
        run.leave(&journal)?;
    }
    Ok(journal)
}

impl Run<'_> {
    fn step(&mut self, step: &Step) -> Result<(), ApplyError> {
        match step {
            Step::RunHere { script, .. } => self.run_here(script),
            Step::DiskFile { path, size_bytes } => self.disk_file(path, *size_bytes),
            Step::PartitionTable { disk, layout } => disk::partition(&self.device(disk), layout),
            Step::MakeFileSystem { partition, filesystem, label, uuid, options } => {
                disk::make(&self.partition(partition)?, partition.size_bytes, *filesystem, label, uuid, options)
            }
            Step::Mount { partition, at, filesystem, options } => {
                let device = self.partition(partition)?;
                let at = self.target.directory(at, 0o755)?;
                mount::mount(&device, &at, filesystem.name(), options)?;
                self.mounts.push(at);
                Ok(())
            }
            Step::InstallPackages { packages } => packages::install(packages, self.sources, &self.target, self.observer),
            Step::WriteFile { path, mode, content } => self.target.write(path, *mode, content.as_bytes()),
            Step::Copy { source, to } => files::copy(&self.sources.search.find(source)?, to, &self.target),
            Step::Configure => {
                self.mounts.extend(mount::kernel(&self.target)?);
                configure::configure(&self.target, self.observer)
            }
            Step::Mask { unit } => self.target.symlink(&format!("/etc/systemd/system/{unit}"), "/dev/null"),
            Step::Root(root) => account::root(root, &self.target),
            Step::User(user) => add_user(user, &self.target),
            Step::RunInTarget { script, .. } => self.run_in_target(script),
            Step::BootLoader { disk, root, bios, efi } => self.boot_loader(disk, *root, bios.as_ref(), efi.as_ref()),
            Step::Unmount => self.unmount(),
            Step::Eject => {
                if let Err(error) = program::run("eject", &[], None) {
                    self.observer.says(&format!("the disc was not ejected: {error}"));
                }
                Ok(())
            }
            Step::Finish { how } => configure::finish(*how),
        }
    }

    /// The device of a disk: itself, or the one that stands for a file.
    fn device(&self, disk: &str) -> PathBuf {
        self.loops.get(disk).cloned().unwrap_or_else(|| PathBuf::from(disk))
    }

    /// The device of a partition, once the kernel shows it.
    fn partition(&self, place: &Place) -> Result<PathBuf, ApplyError> {
        let disk = self.device(&place.disk).display().to_string();
        disk::wait_for(PathBuf::from(Place { disk, ..place.clone() }.device()))
    }

    fn disk_file(&mut self, path: &str, size_bytes: u64) -> Result<(), ApplyError> {
        let device = disk::file(Path::new(path), size_bytes)?;
        self.loops.insert(path.to_owned(), device);
        Ok(())
    }

    fn run_here(&self, script: &Script) -> Result<(), ApplyError> {
        let found = match script {
            Script::File(name) => self.sources.search.find(name)?,
            Script::Text(text) => {
                let path = PathBuf::from("/run/kaon/preinstall");
                files::write_script(&path, text.reveal().as_bytes())?;
                path
            }
        };
        let said = program::run(&found.display().to_string(), &[], None);
        if matches!(script, Script::Text(_)) {
            files::remove(&found)?;
        }
        self.observer.says(&said?);
        Ok(())
    }

    fn run_in_target(&self, script: &Script) -> Result<(), ApplyError> {
        const INSIDE: &str = "/run/kaon-postinstall";
        let content = match script {
            Script::Text(text) => text.reveal().as_bytes().to_vec(),
            Script::File(name) => files::read(&self.sources.search.find(name)?)?,
        };
        let path = self.target.directory("/run", 0o755)?.join("kaon-postinstall");
        files::write_script(&path, &content)?;
        let said = self.target.run(INSIDE, &[], None);
        files::remove(&path)?;
        self.observer.says(&said?);
        Ok(())
    }

    fn boot_loader(&self, disk: &str, root: usize, bios: Option<&Place>, efi: Option<&Place>) -> Result<(), ApplyError> {
        if let Some(place) = efi {
            bootloader::efi(&self.partition(place)?, root, &self.target)?;
        }
        if let Some(place) = bios {
            bootloader::bios(&self.device(disk), place, root, &self.target)?;
        }
        Ok(())
    }

    /// Leaves the journal in the installed system.
    fn leave(&self, journal: &Journal) -> Result<(), ApplyError> {
        self.target.write("/var/log/kaon-installer.json", 0o600, journal.text().as_bytes())
    }

    fn unmount(&mut self) -> Result<(), ApplyError> {
        while let Some(at) = self.mounts.pop() {
            mount::unmount(&at)?;
        }
        for device in std::mem::take(&mut self.loops).into_values() {
            program::run("losetup", &["-d", &device.display().to_string()], None)?;
        }
        Ok(())
    }
}
