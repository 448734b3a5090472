//! Packages, from the medium's repository, every signature checked.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use rpm_engine::dependency::Capability;
use rpm_engine::history::Reason;
use rpm_engine::keyring::Keyring;
use rpm_engine::package::Package;
use rpm_engine::repo::{Metadata, Offer};
use rpm_engine::rpmfile::RpmFile;
use rpm_engine::solver;
use rpm_engine::system::System;
use rpm_engine::transaction::{self, Event, Settings, Step};

use super::{ApplyError, Observer, Sources, Target};
use crate::plan::{Contents, Offered};

/// Where a live system shows its root image, without the changes that are over it.
pub(super) const LIVE_ROOT: &str = "/run/kaon/root";

/// The architecture of all systems.
const ARCH: &str = "x86_64";

/// Packages that are chosen, with what they need, and whose signatures are checked.
#[derive(Debug)]
pub(super) struct Chosen {
    steps: Vec<Step>,
    bytes: u64,
}

impl Chosen {
    /// Installs them.
    pub fn install(&self, target: &Target, observer: &dyn Observer) -> Result<(), ApplyError> {
        let report = Report { observer, unpacked: AtomicU64::new(0), bytes: self.bytes };
        let time = u32::try_from(now()).unwrap_or(u32::MAX);
        let settings = Settings { observer: &report, ..Settings::new(time, "kaon-installer") };
        let system = System::open(target.root()).map_err(ApplyError::repository)?;
        let locked = system.lock().map_err(ApplyError::repository)?;
        locked.apply(&self.steps, &settings).map_err(ApplyError::repository)?;
        Ok(())
    }
}

/// The repository on the medium, whose signature is checked.
fn open(sources: &Sources) -> Result<(Metadata, Keyring), ApplyError> {
    let keys = fs::read_to_string(&sources.keys).map_err(ApplyError::io("read", &sources.keys))?;
    let keys = Keyring::from_armoured([keys]).map_err(ApplyError::repository)?;
    let metadata = Metadata::open(&sources.repository, Some(keys.at(now()))).map_err(ApplyError::repository)?;
    Ok((metadata, keys))
}

/// In seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// What the medium contains.
///
/// # Errors
/// When its repository is missing or not trusted.
pub fn offered(sources: &Sources) -> Result<Offered, ApplyError> {
    let (metadata, _) = open(sources)?;
    let mut offered = Offered::default();
    for offer in metadata.offers().map_err(ApplyError::repository)? {
        offered.names.extend(offer.package.provides.into_iter().map(|provided| provided.name));
        offered.names.insert(offer.package.nevra.name.clone());
        offered.packages.insert(offer.package.nevra.name, offer.details.summary);
    }
    Ok(offered)
}

/// What is chosen of a repository, before any signature of a package is checked.
struct Selection {
    keys: Keyring,
    offers: Vec<Offer>,
    wanted: Vec<Capability>,
    /// Places in `offers`, in the order of installation.
    chosen: Vec<usize>,
    repository: PathBuf,
}

/// Chooses packages and what they need from the medium's repository.
fn select(packages: &[String], sources: &Sources) -> Result<Selection, ApplyError> {
    let (metadata, keys) = open(sources)?;
    let mut offers = metadata.offers().map_err(ApplyError::repository)?;
    metadata.read_filelists(&mut offers).map_err(ApplyError::repository)?;
    let known: Vec<Package> = offers.iter().map(|offer| offer.package.clone()).collect();
    // Kickstart files were checked before.
    let wanted: Vec<Capability> = packages.iter().filter_map(|text| Capability::parse(text)).collect();
    let request = solver::Request { install: wanted.clone(), weak: true, arch: ARCH.to_owned() };
    let chosen = solver::solve(&known, &request).map_err(ApplyError::Choice)?;
    Ok(Selection { keys, offers, wanted, chosen, repository: sources.repository.clone() })
}

impl Selection {
    /// The chosen packages' files, in the order of installation.
    fn files(&self) -> impl Iterator<Item = Result<RpmFile, ApplyError>> {
        // A medium does not contain twice what its live system contains.
        let trees = [PathBuf::from(LIVE_ROOT), self.repository.join("tree")];
        let open = move |index: &usize| RpmFile::open_beside(&self.repository.join(&self.offers[*index].location), &trees);
        self.chosen.iter().map(move |index| open(index).map_err(ApplyError::repository))
    }
}

/// Where packages declare users and groups (sysusers.d(5)), or have them as they are.
const DECLARATIONS: &str = "/usr/lib/sysusers.d/";
const USERS: &str = "/etc/passwd";
const GROUPS: &str = "/etc/group";

/// What the packages, and what they need, bring into a system.
///
/// # Errors
/// When they cannot be chosen or read.
pub fn contents(packages: &[String], sources: &Sources) -> Result<Contents, ApplyError> {
    let selection = select(packages, sources)?;
    let mut contents = Contents::default();
    for index in &selection.chosen {
        contents.paths.extend(selection.offers[*index].package.paths.iter().cloned());
    }
    let is_declaration = |path: &str| path.starts_with(DECLARATIONS) || path == USERS || path == GROUPS;
    for (file, index) in selection.files().zip(&selection.chosen) {
        if selection.offers[*index].package.paths.iter().any(|path| is_declaration(path)) {
            let found = transaction::contents(&file?, is_declaration).map_err(ApplyError::repository)?;
            for (path, text) in &found {
                let text = String::from_utf8_lossy(text);
                let names = text.lines().filter_map(|line| line.split(':').next()).map(str::to_owned);
                match path.as_str() {
                    USERS => contents.users.extend(names),
                    GROUPS => contents.groups.extend(names),
                    _ => contents.declare(&text),
                }
            }
        }
    }
    Ok(contents)
}

/// Chooses packages and what they need from the medium's repository, all signatures checked.
pub(super) fn choose(packages: &[String], sources: &Sources) -> Result<Chosen, ApplyError> {
    let selection = select(packages, sources)?;
    let mut steps = Vec::with_capacity(selection.chosen.len());
    let mut bytes = 0;
    for package in selection.files() {
        let package = package?;
        bytes += package.package.installed_size_bytes;
        let asked = selection.wanted.iter().any(|wanted| package.package.satisfies(wanted));
        let reason = if asked { Reason::User } else { Reason::Dependency };
        let package = package.verified(&selection.keys).map_err(ApplyError::repository)?;
        steps.push(Step::Install { package, obsoleted: Vec::new(), reason });
    }
    Ok(Chosen { steps, bytes })
}

/// Passes on the reports of the transaction.
struct Report<'a> {
    observer: &'a dyn Observer,
    unpacked: AtomicU64,
    bytes: u64,
}

impl transaction::Observer for Report<'_> {
    fn report(&self, event: Event<'_>) {
        match event {
            Event::Unpacked { bytes } => {
                let unpacked = self.unpacked.fetch_add(bytes, Ordering::Relaxed) + bytes;
                self.observer.progress(unpacked, self.bytes);
            }
            Event::Warning { text } | Event::Output { text } => self.observer.says(text),
            Event::Running { what } => self.observer.says(what),
            Event::Begins | Event::Installed { .. } | Event::Removed { .. } => {}
        }
    }
}
