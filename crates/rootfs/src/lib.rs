//! Root file systems: the packages an image asks for, resolved, installed and made ready, as one tree all image writers take.
//!
//! A tree is composed as an ordinary user, so its directory contains names and contents only, and its manifest contains owners, modes and
//! capabilities. [`mod@tar`] joins them into the one stream that makes file systems, archives and container images.

mod absorb;
mod account;
pub mod contents;
mod error;
mod extra;
mod shared;
mod size;
mod tar;
mod trigger;

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use rpm_engine::dependency::Capability;
use rpm_engine::keyring::Keyring;
use rpm_engine::manifest::{Entry, Manifest};
use rpm_engine::package::Package;
use rpm_engine::rpmfile::RpmFile;
use rpm_engine::solver;
use rpm_engine::transaction::{self, Installed, Options};
use serde::{Deserialize, Serialize};

pub use account::{AccountError, Ids};
pub use error::RootfsError;
pub use extra::ExtraFile;
pub use shared::{Claim, Disagreement};
pub use size::MADE_HERE;
pub use tar::tar;
pub use trigger::{InSandbox, Runner};

use base::epoch::SOURCE_DATE_EPOCH;
use runtime::cancel::Cancel;
use runtime::progress::Reporter;
use runtime::sandbox::Launcher;
use well_known::PUBLIC_KEY;

/// What reports are about.
const UNIT: &str = "rootfs";

/// The architecture of all trees.
const ARCH: &str = "x86_64";

/// What a tree is to contain.
#[derive(Debug, Clone, Default)]
pub struct Request<'a> {
    /// What is asked for: package names, capabilities or paths, each with a range of versions perhaps (`systemd >= 257`).
    pub packages: Vec<String>,
    /// All packages there are to choose from: signed RPM files.
    pub candidates: &'a [PathBuf],
    /// The ASCII-armoured public key, or several, that packages must be signed with.
    pub public_key: &'a str,
    /// Whether recommended packages are installed too.
    pub weak: bool,
    /// Units switched on beyond what packages' presets say.
    pub enable: Vec<String>,
    /// Units switched off whatever packages' presets say.
    pub disable: Vec<String>,
    /// Files laid over those of packages.
    pub files: Vec<ExtraFile>,
    /// Root's password as crypt(5) has it; without one, no password fits.
    pub password_hash: Option<String>,
    /// Keys that may log in as root, one line each (`authorized_keys` of sshd(8)).
    pub ssh_keys: Vec<String>,
    /// The file that takes the output of what runs in the tree.
    pub log: PathBuf,
}

/// A composed tree.
#[derive(Debug, Clone)]
pub struct Rootfs {
    /// Where names and contents are.
    pub dir: PathBuf,
    /// The truth of every path.
    pub manifest: Manifest,
    /// The packages in it, in the order of installation.
    pub packages: Vec<InstalledPackage>,
    /// The kernel whose modules it contains, as `uname -r` gives it; the last by name where there are several.
    pub kernel_release: Option<String>,
    /// The numbers of its users and groups.
    pub ids: Ids,
}

/// A package of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstalledPackage {
    /// Its name.
    pub name: String,
    /// `name-version-release.arch`, with the epoch where there is one.
    pub nevra: String,
    /// The bytes its files take, those shared with an earlier package left out.
    pub installed_bytes: u64,
}

impl Rootfs {
    /// The numbers of an entry's user and group. Composing made sure that both are known.
    pub fn owner(&self, entry: &Entry) -> (u32, u32) {
        (self.ids.users.get(&entry.user).copied().unwrap_or(0), self.ids.groups.get(&entry.group).copied().unwrap_or(0))
    }

    /// Where the content of `path` is on this machine.
    pub fn on_disk(&self, path: &str) -> PathBuf {
        self.dir.join(path.trim_start_matches('/'))
    }
}

/// Composes a tree in the empty directory `dir`: solve, install, then what the installed files call for, once, in the tree itself.
///
/// # Errors
/// When packages are missing, do not fit together, are not trusted or do not agree on a directory's mode or owner, or when a step in the tree fails.
pub fn compose(request: &Request<'_>, dir: &Path, reporter: &dyn Reporter, cancel: &Cancel) -> Result<Rootfs, RootfsError> {
    let runner = InSandbox { launcher: Launcher::default(), log: request.log.clone(), cancel };
    compose_with(request, dir, &runner, reporter)
}

/// As [`compose`], with `runner` for the steps in the tree.
///
/// # Errors
/// As [`compose`].
pub fn compose_with(request: &Request<'_>, dir: &Path, runner: &dyn Runner, reporter: &dyn Reporter) -> Result<Rootfs, RootfsError> {
    reporter.phase(UNIT, "solve");
    let keys = Keyring::from_armoured([request.public_key])?;
    let chosen = choose(request)?;
    let disagreements = shared::disagreements(chosen.iter().map(|file| (file.package.nevra.name.as_str(), &file.files[..])));
    if !disagreements.is_empty() {
        return Err(RootfsError::Directories(disagreements));
    }
    reporter.phase(UNIT, "install");
    let outcome = transaction::install(chosen, &keys, dir, &Options { time: SOURCE_DATE_EPOCH, progress: &|_| {} })?;
    let mut rootfs = Rootfs::installed(dir, outcome.manifest, &outcome.packages);
    reporter.phase(UNIT, "configure");
    if rootfs.packages.iter().any(|package| package.name == PACKAGE_MANAGER) {
        extra::put(&mut rootfs, PUBLIC_KEY, 0o644, request.public_key.as_bytes())?;
    }
    extra::lay(&mut rootfs, &request.files)?;
    extra::authorize(&mut rootfs, &request.ssh_keys)?;
    trigger::switch_units(&mut rootfs, &request.enable, &request.disable)?;
    account::create(&mut rootfs, request.password_hash.as_deref())?;
    trigger::run(&mut rootfs, &outcome.packages, runner)?;
    absorb::absorb(&mut rootfs)?;
    trigger::tidy(&mut rootfs)?;
    rootfs.ids = account::resolve(&rootfs)?;
    Ok(rootfs)
}

impl Rootfs {
    fn installed(dir: &Path, manifest: Manifest, packages: &[Installed]) -> Self {
        let package = |package: &Installed| InstalledPackage {
            name: package.nevra.name.clone(),
            nevra: package.nevra.to_string(),
            installed_bytes: package.size_bytes,
        };
        let kernel_release = trigger::kernels(&manifest).pop();
        Self { dir: dir.to_owned(), manifest, packages: packages.iter().map(package).collect(), kernel_release, ids: Ids::default() }
    }
}

/// The package whose presence calls for the key that further packages are signed with.
const PACKAGE_MANAGER: &str = "tdnf";

/// The packages to install, from all there are.
///
/// # Errors
/// When a file is not a package, or packages are missing or do not fit together.
pub fn choose(request: &Request<'_>) -> Result<Vec<RpmFile>, RootfsError> {
    let mut files = request.candidates.par_iter().map(|path| RpmFile::open(path)).collect::<Result<Vec<_>, _>>()?;
    files.sort_by(|a, b| a.package.nevra.cmp(&b.package.nevra));
    let packages: Vec<Package> = files.iter().map(|file| file.package.clone()).collect();
    let chosen = choose_among(&packages, &request.packages, request.weak)?;
    let mut slots: Vec<Option<RpmFile>> = files.into_iter().map(Some).collect();
    Ok(chosen.into_iter().filter_map(|index| slots[index].take()).collect())
}

/// As [`choose`], from packages whose headers were read and which are sorted by them. Returns their indexes.
///
/// # Errors
/// When packages are missing or do not fit together.
pub fn choose_among(packages: &[Package], wanted: &[String], weak: bool) -> Result<Vec<usize>, RootfsError> {
    let parse = |text: &String| Capability::parse(text).ok_or_else(|| RootfsError::BadRequest { text: text.clone() });
    let install = wanted.iter().map(parse).collect::<Result<_, _>>()?;
    Ok(solver::solve(packages, &solver::Request { install, weak, arch: ARCH.to_owned() })?)
}

#[cfg(test)]
mod tests;
