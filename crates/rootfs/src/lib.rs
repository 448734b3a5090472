//! Root file systems: the packages that an image requests, resolved, installed and configured in one tree for all image writers.
//!
//! A tree is composed as an ordinary user, so its directory has only names and contents; its manifest has owners, modes and capabilities.
//! [`mod@tar`] joins both in one stream, from which file systems, archives and container images are made.

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

/// The unit of work in progress reports.
const UNIT: &str = "rootfs";

/// The architecture of all trees.
const ARCH: &str = "x86_64";

/// The request for a tree.
#[derive(Debug, Clone, Default)]
pub struct Request<'a> {
    /// Requested package names, capabilities or paths, optionally with a range of versions (`systemd >= 257`).
    pub packages: Vec<String>,
    /// All packages to choose from: signed RPM files.
    pub candidates: &'a [PathBuf],
    /// The ASCII-armoured public key, or several, that packages must be signed with.
    pub public_key: &'a str,
    /// Whether recommended packages are also installed.
    pub weak: bool,
    /// Units enabled in addition to packages' presets.
    pub enable: Vec<String>,
    /// Units disabled regardless of packages' presets.
    pub disable: Vec<String>,
    /// Files added to those of packages.
    pub files: Vec<ExtraFile>,
    /// Root's password as a hash of crypt(5); without one, no password is accepted.
    pub password_hash: Option<String>,
    /// Keys that may log in as root, one line each (`authorized_keys` of sshd(8)).
    pub ssh_keys: Vec<String>,
    /// The file for the output of what runs in the tree.
    pub log: PathBuf,
}

/// A composed tree.
#[derive(Debug, Clone)]
pub struct Rootfs {
    /// The directory with names and contents.
    pub dir: PathBuf,
    /// Kind, owner and mode of every path.
    pub manifest: Manifest,
    /// The packages in it, in the order of installation.
    pub packages: Vec<InstalledPackage>,
    /// The kernel whose modules it contains, as printed by `uname -r`; the last by name if there are several.
    pub kernel_release: Option<String>,
    /// The numbers of its users and groups.
    pub ids: Ids,
}

/// A package of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstalledPackage {
    /// Its name.
    pub name: String,
    /// `name-version-release.arch`, with the epoch if there is one.
    pub nevra: String,
    /// The size of its files in bytes, without those shared with an earlier package.
    pub installed_bytes: u64,
}

impl Rootfs {
    /// The numbers of an entry's user and group. Composing checked that both are known.
    pub fn owner(&self, entry: &Entry) -> (u32, u32) {
        (self.ids.users.get(&entry.user).copied().unwrap_or(0), self.ids.groups.get(&entry.group).copied().unwrap_or(0))
    }

    /// The location of `path` on this machine.
    pub fn on_disk(&self, path: &str) -> PathBuf {
        self.dir.join(path.trim_start_matches('/'))
    }
}

/// Composes a tree in the empty directory `dir`: solve, install, then the steps that the installed files need, each once, in the tree itself.
///
/// # Errors
/// When packages are missing, are in conflict, are not trusted or disagree on a directory's mode or owner, or when a step in the tree fails.
pub fn compose(request: &Request<'_>, dir: &Path, reporter: &dyn Reporter, cancel: &Cancel) -> Result<Rootfs, RootfsError> {
    let runner = InSandbox { launcher: Launcher::default(), log: request.log.clone(), cancel };
    compose_with(request, dir, &runner, reporter)
}

/// Like [`compose`], with `runner` for the steps in the tree.
///
/// # Errors
/// As for [`compose`].
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

/// The package with which a tree also gets the public key of packages.
const PACKAGE_MANAGER: &str = "tdnf";

/// The packages to install, chosen from all candidates.
///
/// # Errors
/// When a file is not a package, or packages are missing or in conflict.
pub fn choose(request: &Request<'_>) -> Result<Vec<RpmFile>, RootfsError> {
    let mut files = request.candidates.par_iter().map(|path| RpmFile::open(path)).collect::<Result<Vec<_>, _>>()?;
    files.sort_by(|a, b| a.package.nevra.cmp(&b.package.nevra));
    let packages: Vec<Package> = files.iter().map(|file| file.package.clone()).collect();
    let chosen = choose_among(&packages, &request.packages, request.weak)?;
    let mut slots: Vec<Option<RpmFile>> = files.into_iter().map(Some).collect();
    Ok(chosen.into_iter().filter_map(|index| slots[index].take()).collect())
}

/// Like [`choose`], for packages whose headers were read and which are sorted by them. Returns their indexes.
///
/// # Errors
/// When packages are missing or in conflict.
pub fn choose_among(packages: &[Package], wanted: &[String], weak: bool) -> Result<Vec<usize>, RootfsError> {
    let parse = |text: &String| Capability::parse(text).ok_or_else(|| RootfsError::BadRequest { text: text.clone() });
    let install = wanted.iter().map(parse).collect::<Result<_, _>>()?;
    Ok(solver::solve(packages, &solver::Request { install, weak, arch: ARCH.to_owned() })?)
}

#[cfg(test)]
mod tests;
