//! Doing what a plan says, step by step, and telling how long each took.

mod bootloader;
mod configure;
mod device;
mod disk;
mod error;
mod files;
mod filesystem;
mod image;
mod journal;
mod mount;
mod owners;
mod packages;
mod prepare;
mod table;
mod trust;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Instant;

pub use configure::finish;
pub use error::ApplyError;
pub use journal::{Done, Journal};
pub use packages::{contents, offered};
pub use prepare::exported;

use disk_layout::{Layout, no_system_code};

use self::bootloader::Grub;
use self::disk::Disk;
use self::image::DiskFiles;
use self::packages::Chosen;
use crate::plan::{Place, Plan, Script, Step};
use kickstart::FileSystem;
use kickstart::medium::Search;
use system::program::ProgramError;
use system::script::Executable;
use system::{NO_ARGUMENTS, SystemError, Target, account, program};

/// Where the installed system is put together.
pub const TARGET: &str = "/run/kaon/target";

/// Where the journal is in the live system, also after a failure.
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
    /// Variables of all scripts.
    pub environment: BTreeMap<String, String>,
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
    /// Where the disks are files: what will be on them.
    files: Option<DiskFiles>,
    /// The disks that were begun.
    disks: Vec<Disk>,
    /// What was mounted, in order.
    mounts: Vec<PathBuf>,
    /// What makes the disk start.
    grub: Option<Grub>,
    /// The packages.
    chosen: Vec<Chosen>,
}

fn elapsed_ms(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Carries out a plan: on disks, on files that stand for disks, or where `directory` is given in that directory alone, which must be empty or
/// absent.
///
/// The machine is not ended: that is [`finish`]'s, once the last word is said.
///
/// Whatever was done and how long it took is in the journal, which the installed system keeps at `/var/log/kaon-installer.json`.
///
/// # Errors
/// At the first step that fails. The disks then show, when started, that the installation is not finished; files that are used as disks are
/// removed.
pub fn apply(plan: &Plan, sources: &Sources, directory: Option<&Path>, observer: &dyn Observer) -> Result<Journal, ApplyError> {
    let files = DiskFiles::of(plan);
    let root = match (directory, &files) {
        (Some(directory), _) => directory,
        (None, Some(files)) => files.tree(),
        (None, None) => Path::new(TARGET),
    };
    let on_machine = directory.is_none() && files.is_none();
    // Before anything is lost: packages that are missing or not trusted.
    let start = Instant::now();
    let mut chosen = Vec::new();
    for step in &plan.steps {
        if let Step::InstallPackages { packages } = step {
            chosen.push(packages::choose(packages, sources)?);
        }
    }
    let checked = Done { what: "check the packages".into(), ms: elapsed_ms(start), failed: None };
    if on_machine {
        mount::release(root)?;
    }
    let target = Target::prepare(root)?;
    let mut run = Run { sources, observer, target, files, disks: Vec::new(), mounts: Vec::new(), grub: None, chosen };
    let result = run.steps(plan, on_machine, Journal { steps: vec![checked] });
    if let Some(files) = &run.files {
        files.tidy(result.is_ok())?;
    }
    result
}

impl Run<'_> {
    fn steps(&mut self, plan: &Plan, on_machine: bool, mut journal: Journal) -> Result<Journal, ApplyError> {
        // The journal goes into the system before it is closed.
        let last = plan.steps.iter().position(|step| matches!(step, Step::Close)).unwrap_or(plan.steps.len());
        let first_write = plan.steps.iter().position(|step| !matches!(step, Step::RunHere { .. }));
        for (index, step) in plan.steps.iter().enumerate() {
            if first_write == Some(index) {
                self.find_all(&plan.steps[index..])?;
            }
            let title = step.title();
            self.observer.begins(index + 1, plan.steps.len(), &title);
            if index == last {
                self.leave(&journal)?;
            }
            let start = Instant::now();
            let result = self.step(step, plan);
            let failed = result.as_ref().err().map(|error| text::with_causes(error));
            journal.steps.push(Done { what: title.clone(), ms: elapsed_ms(start), failed });
            if on_machine {
                // The live system's copy helps whoever looks for the cause; the failure itself is what counts.
                let _ = journal.write(Path::new(JOURNAL));
            }
            result.map_err(|source| ApplyError::Step { number: index + 1, what: title, source: Box::new(source) })?;
        }
        if last == plan.steps.len() {
            self.leave(&journal)?;
        }
        Ok(journal)
    }

    /// Finds all files that steps take, also those that the scripts before them had to make.
    fn find_all(&self, steps: &[Step]) -> Result<(), ApplyError> {
        for step in steps {
            if let Step::Copy { source, .. } | Step::Unpack { source, .. } | Step::RunInTarget { script: Script::File(source), .. } = step {
                self.sources.search.find(source)?;
            }
        }
        Ok(())
    }

    fn step(&mut self, step: &Step, plan: &Plan) -> Result<(), ApplyError> {
        match step {
            Step::RunHere { name, script } => self.run_here(name, script),
            Step::DiskFile { path, size_bytes } => files::make_sparse(Path::new(path), *size_bytes),
            Step::PartitionTable { disk, layout } => self.partition(Path::new(disk), layout),
            Step::MakeFileSystem { partition, filesystem, label, uuid, options } => match &mut self.files {
                Some(files) => files.plan_file_system(partition, *filesystem, label, uuid, options),
                None => device::make(partition, *filesystem, label, uuid, options),
            },
            Step::MakeSubvolumes { partition, paths } => device::make_subvolumes(partition, paths),
            Step::Mount { partition, at, filesystem, options } => self.mount(partition, at, *filesystem, options),
            Step::InstallPackages { .. } => {
                self.chosen.iter().try_for_each(|chosen| chosen.install(&self.target, self.observer))?;
                Ok(trust::lay(self.sources, &self.target)?)
            }
            Step::WriteFile { path, mode, content } => Ok(self.target.write(path, *mode, content.as_bytes())?),
            Step::Copy { source, to } => Ok(system::files::copy(&self.sources.search.find(source)?, to, &self.target)?),
            Step::Configure => configure::configure(&self.target, self.observer),
            Step::Mask { unit } => Ok(self.target.symlink(&format!("/etc/systemd/system/{unit}"), "/dev/null")?),
            Step::Root(root) => Ok(account::root(root, &self.target)?),
            Step::User(user) => Ok(account::add_user(user, &self.target)?),
            Step::Unpack { source, to } => self.unpack(source, to),
            Step::Link { path, to } => Ok(self.target.symlink(path, to)?),
            Step::RunInTarget { name, script, apart } => self.run_in_target(name, script, *apart),
            Step::Close => self.close(plan),
            Step::BootLoader { disk, root, bios, efi } => self.boot_loader(Path::new(disk), *root, bios.as_ref(), efi.as_ref()),
            Step::Eject => {
                if let Err(error) = program::run("eject", NO_ARGUMENTS, None) {
                    self.observer.says(&format!("the disc was not ejected: {error}"));
                }
                Ok(())
            }
            // Its own last word comes first.
            Step::Finish { .. } => Ok(()),
        }
    }

    fn partition(&mut self, disk: &Path, layout: &Layout) -> Result<(), ApplyError> {
        self.disks.push(Disk::begin(disk, layout, self.files.is_some())?);
        Ok(())
    }

    fn mount(&mut self, partition: &Place, at: &str, filesystem: FileSystem, options: &[String]) -> Result<(), ApplyError> {
        let place = self.target.directory(at, 0o755)?;
        if let Some(files) = &mut self.files {
            files.plan_mount(partition, at);
            return Ok(());
        }
        mount::mount(&device::of(partition)?, &place, filesystem.name(), options)?;
        self.mounts.push(place);
        Ok(())
    }

    fn script(&self, script: &Script) -> Result<Executable, ApplyError> {
        prepare::executable(script, self.sources)
    }

    fn unpack(&self, source: &str, to: &str) -> Result<(), ApplyError> {
        let (archive, folder) = (self.sources.search.find(source)?, self.target.directory(to, 0o755)?);
        let [archive, folder] = [archive, folder].map(|path| path.display().to_string());
        program::run("tar", &["--extract", "--numeric-owner", "--file", &archive, "--directory", &folder], None)?;
        Ok(())
    }

    fn run_here(&self, name: &str, script: &Script) -> Result<(), ApplyError> {
        self.observer.says(&program::run_script(name, &self.script(script)?)?);
        Ok(())
    }

    fn run_in_target(&self, name: &str, script: &Script, apart: bool) -> Result<(), ApplyError> {
        let target = if apart { self.target.clone().apart() } else { self.target.clone() };
        let is_forbidden = |error: &SystemError| {
            apart
                && matches!(error, SystemError::Program(ProgramError::Start { source, .. }) if source.kind() == ErrorKind::PermissionDenied)
        };
        let said = target.run_script(name, &self.script(script)?).map_err(|source| match is_forbidden(&source) {
            true => ApplyError::NoNamespaces { name: name.to_owned(), source },
            false => source.into(),
        })?;
        self.observer.says(&said);
        Ok(())
    }

    /// Puts all that is in file systems onto the disks, and lets go of them.
    fn close(&mut self, plan: &Plan) -> Result<(), ApplyError> {
        let grub = Grub::read(&self.target)?;
        if let Some(files) = &self.files {
            for step in &plan.steps {
                if let Step::BootLoader { root, efi: Some(place), .. } = step {
                    grub.lay_out_efi(&files.content_of(place)?, *root)?;
                }
            }
            files.write(&self.target)?;
        }
        self.grub = Some(grub);
        while let Some(at) = self.mounts.pop() {
            mount::unmount(&at)?;
        }
        Ok(())
    }

    /// Makes the disk start, once all else is on it. Other disks come first: the system needs them.
    fn boot_loader(&mut self, disk: &Path, root: usize, bios: Option<&Place>, efi: Option<&Place>) -> Result<(), ApplyError> {
        let Some(grub) = &self.grub else {
            return Err(SystemError::refused("the boot loader comes after the file systems").into());
        };
        for other in self.disks.iter_mut().filter(|other| other.path != disk) {
            other.finish(&no_system_code())?;
        }
        let mut code = no_system_code();
        if let Some(place) = bios {
            let (first, core) = grub.bios(place, root)?;
            code = first;
            self.disks.iter_mut().filter(|own| own.path == disk).try_for_each(|own| own.put(place.offset_bytes, &core))?;
        }
        if let (None, Some(place)) = (&self.files, efi) {
            grub.install_efi(&device::of(place)?, root)?;
        }
        self.disks.iter_mut().filter(|own| own.path == disk).try_for_each(|own| own.finish(&code))?;
        self.disks.clear();
        Ok(())
    }

    /// Leaves the journal in the installed system.
    fn leave(&self, journal: &Journal) -> Result<(), ApplyError> {
        Ok(self.target.write("/var/log/kaon-installer.json", 0o600, journal.text().as_bytes())?)
    }
}
