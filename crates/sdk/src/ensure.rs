//! Makes the layers of the SDK available: fetched, checked, unpacked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::error::UnpackError;
use super::error::some;
use super::finish::finish;
use super::packages::PackagePool;
use super::resolve::{resolve, resolve_again};
use super::unpack::{Selection, unpack};
use super::{Description, LayerName, Lock, LockedPackage, SdkError};
use crate::apt::{AptError, Settings};
use base::digest::Digest;
use base::glob::Glob;
use runtime::cancel::Cancel;
use runtime::progress::{Event, Outcome as UnitOutcome, Reporter};
use runtime::store::{Store, StoreError};
use runtime::workers::try_each;

/// An unpacked layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerTree {
    /// The layer.
    pub name: LayerName,
    /// Its digest for keys of builds.
    pub digest: Digest,
    /// Its unpacked tree, which must not be changed.
    pub path: PathBuf,
}

/// Returns the trees of `layers` and of all layers below them, in stacking order. A lock that is no longer valid is resolved again, with a
/// warning: the layers whose description changed and those above them, or all layers if packages were removed from the archive. The caller
/// writes it to its file.
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
    description.check_names(layers)?;
    let names = description.closure(layers);
    let outdated: Vec<LayerName> = names.iter().filter(|name| !lock.fits(description, name)).cloned().collect();
    if let Some(name) = outdated.first() {
        let because = format!("`specs/sdk.toml` lists other packages for layer `{name}` than are locked");
        work.relock(lock, &because, Some(&outdated), || SdkError::LockOutdated { name: name.clone() })?;
    }
    let missing = work.fetch(lock, &names)?;
    if !missing.is_empty() {
        let because = format!("the Debian archive no longer has {} of the locked SDK packages", missing.len());
        work.relock(lock, &because, None, || SdkError::PackagesGone { paths: missing.clone() })?;
        if let Some(path) = work.fetch(lock, &names)?.into_iter().next() {
            return Err(SdkError::Fetch { path, reason: "the index lists it, but no mirror has it".into() });
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
    /// Resolves `outdated` layers again, as far as they can be alone, or all.
    fn relock(
        &self,
        lock: &mut Lock,
        because: &str,
        outdated: Option<&[LayerName]>,
        refusal: impl FnOnce() -> SdkError,
    ) -> Result<(), SdkError> {
        if self.settings.locked {
            return Err(refusal());
        }
        self.reporter.phase("sdk", "resolve");
        let Self { store, settings, description, cancel, .. } = self;
        let every: Vec<LayerName> = description.layers.keys().cloned().collect();
        let again = outdated.map(|outdated| resolve_again(store, settings, description, lock, outdated, cancel));
        let newer = match again {
            None | Some(Err(SdkError::BelowMoved { .. })) => resolve(store, settings, description, &every, cancel)?,
            Some(newer) => newer?,
        };
        let changes = some(&lock.changes(&newer));
        self.reporter.warn(format!("{because}; resolved again and recorded in `specs/sdk.lock`: {changes}"));
        *lock = newer;
        Ok(())
    }

    /// Puts the packages of all layers that have no tree yet into the store. Returns the paths of those that no mirror has.
    fn fetch(&self, lock: &Lock, names: &[LayerName]) -> Result<Vec<String>, SdkError> {
        let has_no_tree = |name: &&LayerName| lock.layer_digest(name).is_none_or(|digest| self.store.existing_tree(&digest).is_none());
        let locked = names.iter().filter(has_no_tree).filter_map(|name| lock.layers.get(name)).flat_map(|layer| &layer.packages);
        let wanted: BTreeMap<&str, &LockedPackage> = locked.map(|package| (package.path.as_str(), package)).collect();
        let pool = PackagePool::new(self.store, self.settings, self.reporter, self.cancel);
        let lost = pool.lost(&wanted.into_values().collect::<Vec<_>>())?;
        if lost.is_empty() {
            return Ok(Vec::new());
        }
        self.unit("sdk packages", || pool.fetch("sdk packages", &lost))
    }

    /// Reports the start and end of `work`.
    fn unit<T>(&self, unit: &str, work: impl FnOnce() -> Result<T, SdkError>) -> Result<T, SdkError> {
        let (unit, started) = (unit.to_owned(), Instant::now());
        self.reporter.event(Event::Started { unit: unit.clone() });
        let result = work();
        match &result {
            Ok(_) => self.reporter.event(Event::Finished { unit, outcome: UnitOutcome::Built, elapsed_ms: elapsed_ms(started) }),
            Err(error) => self.reporter.failed(unit, error.to_string()),
        }
        result
    }

    fn tree(&self, lock: &Lock, name: &LayerName) -> Result<LayerTree, SdkError> {
        let outdated = || SdkError::LockOutdated { name: name.clone() };
        let digest = lock.layer_digest(name).ok_or_else(outdated)?;
        let packages = &lock.layers.get(name).ok_or_else(outdated)?.packages;
        let unit = format!("sdk {name}");
        let path = self.store.tree(
            &digest,
            || self.reporter.waiting(&unit),
            |root| {
                self.unit(&unit, || {
                    self.reporter.phase(&unit, "unpack");
                    self.fill(root, name, packages)
                })
            },
        )?;
        Ok(LayerTree { name: name.clone(), digest, path })
    }

    fn fill(&self, root: &Path, name: &LayerName, packages: &[LockedPackage]) -> Result<(), SdkError> {
        let Some(layer) = self.description.layers.get(name) else { return Ok(()) };
        let selection = Selection { drop: globs(&self.description.drop), keep: globs(&self.description.keep) };
        // Largest first, so that no large one runs alone at the end.
        let mut ordered: Vec<&LockedPackage> = packages.iter().collect();
        ordered.sort_by_key(|package| std::cmp::Reverse(package.size_bytes));
        try_each(&ordered, cores(), |package| {
            let deb = self.store.object(&package.sha256).ok_or(StoreError::Missing { digest: package.sha256 })?;
            unpack(&deb, root, &selection, self.cancel).map_err(|source| match source {
                UnpackError::Interrupted => AptError::Interrupted.into(),
                source => SdkError::Unpack { package: package.name.clone(), source },
            })
        })?;
        finish(root, name, layer)
    }
}

/// How many packages are unpacked or verified in parallel.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Globs were checked when the description was read; invalid ones are ignored.
fn globs(texts: &[String]) -> Vec<Glob> {
    texts.iter().filter_map(|glob| Glob::new(glob).ok()).collect()
}

fn elapsed_ms(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
