//! Having the layers of the SDK at hand: fetched, checked, unpacked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::error::UnpackError;
use super::finish::finish;
use super::unpack::unpack;
use super::{Description, LayerName, Lock, LockedPackage, SdkError, resolve};
use crate::apt::{AptError, Archive, Download, Outcome, Progress, Settings, download};
use crate::cancel::Cancel;
use crate::digest::Digest;
use crate::progress::{Event, Outcome as UnitOutcome, Reporter};
use crate::store::{Store, StoreError};
use crate::workers::try_each;

/// A layer at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerTree {
    /// The layer.
    pub name: LayerName,
    /// What it is known by in keys of builds.
    pub digest: Digest,
    /// Its unpacked tree, which nobody may change.
    pub path: PathBuf,
}

/// Gives the trees of `layers` and of all they stand on, each after those it stands on. A lock that does not hold any more (another
/// description, packages gone from the archive) is resolved anew, with a warning; the caller writes it to its file.
///
/// # Errors
/// When a layer is unknown, cannot be resolved, fetched or unpacked, or a locked one would have to change with `--locked`.
pub fn ensure(
    store: &Store,
    settings: &Settings,
    description: &Description,
    lock: &mut Lock,
    layers: &[LayerName],
    reporter: &dyn Reporter,
    cancel: &Cancel,
) -> Result<Vec<LayerTree>, SdkError> {
    let work = Work { store, settings, description, reporter, cancel };
    if let Some(name) = layers.iter().find(|name| !description.layers.contains_key(name)) {
        let known: Vec<&str> = description.layers.keys().map(LayerName::as_str).collect();
        return Err(SdkError::UnknownLayer { name: name.clone(), known: known.join(", ") });
    }
    let names = description.closure(layers);
    if let Some(name) = names.iter().find(|name| !lock.holds(description, name)) {
        work.relock(lock, &format!("`specs/sdk.toml` asks for other packages in layer `{name}` than are locked"), || {
            SdkError::LockOutdated { name: name.clone() }
        })?;
    }
    let missing = work.fetch(lock, &names)?;
    if !missing.is_empty() {
        let because = format!("the Debian archive no longer has {} of the locked SDK packages", missing.len());
        work.relock(lock, &because, || SdkError::PackagesGone { paths: missing.clone() })?;
        if let Some(path) = work.fetch(lock, &names)?.into_iter().next() {
            return Err(SdkError::Fetch { path, reason: "the index names it, and no mirror has it".into() });
        }
    }
    names.iter().map(|name| work.tree(lock, name)).collect()
}

struct Work<'a> {
    store: &'a Store,
    settings: &'a Settings,
    description: &'a Description,
    reporter: &'a dyn Reporter,
    cancel: &'a Cancel,
}

impl Work<'_> {
    fn relock(&self, lock: &mut Lock, because: &str, refusal: impl FnOnce() -> SdkError) -> Result<(), SdkError> {
        if self.settings.locked {
            return Err(refusal());
        }
        self.reporter.phase("sdk", "resolve");
        let newer = resolve(self.store, self.settings, self.description, self.cancel)?;
        let changes = lock.changes(&newer);
        let shown = changes.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
        let more = if changes.len() > 5 { format!(" and {} more", changes.len() - 5) } else { String::new() };
        self.reporter.warn(format!("{because}; resolved anew and recorded in `specs/sdk.lock`: {shown}{more}"));
        *lock = newer;
        Ok(())
    }

    /// Puts the packages of all layers that have no tree yet into the store. Gives the paths of those no mirror has.
    fn fetch(&self, lock: &Lock, names: &[LayerName]) -> Result<Vec<String>, SdkError> {
        let has_no_tree = |name: &&LayerName| lock.layer_digest(name).is_none_or(|digest| self.store.existing_tree(&digest).is_none());
        let locked = names.iter().filter(has_no_tree).filter_map(|name| lock.layers.get(name)).flat_map(|layer| &layer.packages);
        let wanted: BTreeMap<&str, &LockedPackage> = locked.map(|package| (package.path.as_str(), package)).collect();
        // Reading back is how a package damaged at rest is found before it is used.
        let wanted: Vec<&LockedPackage> = wanted.into_values().collect();
        let lost = try_each(&wanted, cores(), |package| match self.store.verified(&package.sha256) {
            Ok(_) => Ok(None),
            Err(error) if error.is_loss() => Ok(Some(*package)),
            Err(error) => Err(SdkError::from(error)),
        })?;
        let lost: Vec<&LockedPackage> = lost.into_iter().flatten().collect();
        if lost.is_empty() { Ok(Vec::new()) } else { self.fetch_packages(&lost) }
    }

    fn fetch_packages(&self, packages: &[&LockedPackage]) -> Result<Vec<String>, SdkError> {
        let unit = "sdk packages".to_owned();
        let started = Instant::now();
        self.reporter.event(Event::Started { unit: unit.clone() });
        let archive = Archive::find(self.settings)?;
        let total = packages.iter().map(|package| package.size_bytes).sum();
        let mut left: Vec<(&LockedPackage, Vec<String>)> = packages.iter().map(|package| (*package, Vec::new())).collect();
        let mut done_before = 0;
        for mirror in &archive.main {
            if left.is_empty() {
                break;
            }
            let scratch = self.store.scratch("debs")?;
            let one = |(package, _): &(&LockedPackage, Vec<String>)| Download {
                uri: mirror.file(&package.path),
                target: scratch.path().join(package.sha256.hex()),
            };
            let downloads: Vec<Download> = left.iter().map(one).collect();
            let report = |done| self.reporter.event(Event::Amount { unit: unit.clone(), done: done_before + done, total: Some(total) });
            let outcomes = download(&downloads, Progress { retries: 3, timeout_s: 30, report: &report }, self.cancel)?;
            let mut still_left = Vec::new();
            for (((package, mut reasons), item), outcome) in left.into_iter().zip(&downloads).zip(outcomes) {
                match outcome {
                    Outcome::Fetched => {
                        self.keep(package, item)?;
                        done_before += package.size_bytes;
                        continue;
                    }
                    Outcome::NotFound => {}
                    Outcome::Unreachable(reason) | Outcome::Failed(reason) => reasons.push(format!("{mirror}: {reason}")),
                }
                still_left.push((package, reasons));
            }
            left = still_left;
        }
        if let Some((package, reasons)) = left.iter().find(|(_, reasons)| !reasons.is_empty()) {
            return Err(SdkError::Fetch { path: package.path.clone(), reason: reasons.join("; ") });
        }
        self.reporter.event(Event::Finished { unit, outcome: UnitOutcome::Built, elapsed_ms: elapsed_ms(started) });
        Ok(left.into_iter().map(|(package, _)| package.path.clone()).collect())
    }

    /// Stores a fetched package if it is what the lock says.
    fn keep(&self, package: &LockedPackage, item: &Download) -> Result<(), SdkError> {
        let found = Digest::of_file(&item.target).map_err(|source| SdkError::io("read", &item.target, source))?;
        if found != package.sha256 {
            return Err(SdkError::WrongBytes { uri: item.uri.clone(), expected: package.sha256, found });
        }
        self.store.put_file(&item.target)?;
        std::fs::remove_file(&item.target).map_err(|source| SdkError::io("remove", &item.target, source))
    }

    fn tree(&self, lock: &Lock, name: &LayerName) -> Result<LayerTree, SdkError> {
        let outdated = || SdkError::LockOutdated { name: name.clone() };
        let digest = lock.layer_digest(name).ok_or_else(outdated)?;
        let packages = &lock.layers.get(name).ok_or_else(outdated)?.packages;
        let unit = format!("sdk {name}");
        let started = Instant::now();
        let path = self.store.tree(&digest, |root| {
            self.reporter.event(Event::Started { unit: unit.clone() });
            self.reporter.phase(&unit, "unpack");
            self.fill(root, name, packages)?;
            self.reporter.event(Event::Finished { unit: unit.clone(), outcome: UnitOutcome::Built, elapsed_ms: elapsed_ms(started) });
            Ok::<(), SdkError>(())
        })?;
        Ok(LayerTree { name: name.clone(), digest, path })
    }

    fn fill(&self, root: &Path, name: &LayerName, packages: &[LockedPackage]) -> Result<(), SdkError> {
        let Some(layer) = self.description.layers.get(name) else { return Ok(()) };
        let drop = globs(&self.description.drop);
        // Largest first, so that none is left running alone at the end.
        let mut ordered: Vec<&LockedPackage> = packages.iter().collect();
        ordered.sort_by_key(|package| std::cmp::Reverse(package.size_bytes));
        try_each(&ordered, cores(), |package| {
            let deb = self.store.object(&package.sha256).ok_or(StoreError::Missing { digest: package.sha256 })?;
            unpack(&deb, root, &drop, self.cancel).map_err(|source| match source {
                UnpackError::Interrupted => AptError::Interrupted.into(),
                source => SdkError::Unpack { package: package.name.clone(), source },
            })
        })?;
        finish(root, name, layer)
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Globs were checked when the description was read; one that is none matches nothing.
fn globs(drop: &[String]) -> GlobSet {
    let mut builder = GlobSetBuilder::new();
    for glob in drop.iter().filter_map(|glob| Glob::new(glob).ok()) {
        builder.add(glob);
    }
    builder.build().unwrap_or_else(|_| GlobSet::empty())
}

fn elapsed_ms(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
