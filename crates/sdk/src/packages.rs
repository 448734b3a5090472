//! Fetches locked packages into the store.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{LockedPackage, SdkError};
use crate::apt::{Archive, CacheAddress, Download, Mirror, Outcome, Patience, Settings, download};
use base::digest::Digest;
use runtime::cancel::Cancel;
use runtime::progress::{Event, Reporter};
use runtime::store::Store;
use runtime::workers::try_each;

/// What fetching needs.
pub(super) struct PackagePool<'a> {
    pub store: &'a Store,
    pub settings: &'a Settings,
    pub reporter: &'a dyn Reporter,
    pub cancel: &'a Cancel,
}

/// Files fetched by one run of the client, which keeps one connection to a server.
const BATCH: usize = 16;

/// Parallel runs of the client: a few connections use a link fully, many would burden a mirror.
const CONNECTIONS: usize = 4;

const PATIENCE: Patience = Patience::new(3, 30);

/// A package that is not in the store yet, and the errors of mirrors, except that they do not have the file.
type Wanted<'p> = (&'p LockedPackage, Vec<String>);

/// A place that may have packages.
struct Place<'a> {
    /// What people know it by.
    name: String,
    /// The address of a package there.
    address: Box<dyn Fn(&LockedPackage) -> String + Sync + 'a>,
}

impl<'a> Place<'a> {
    fn mirror(mirror: &'a Mirror) -> Self {
        Self { name: mirror.to_string(), address: Box::new(|package| mirror.file(&package.path)) }
    }

    fn cache(cache: &'a CacheAddress) -> Self {
        Self { name: cache.to_string(), address: Box::new(|package| cache.by_digest(&package.sha256)) }
    }
}

impl PackagePool<'_> {
    /// Those of `packages` that are missing or damaged in the store. Their digests are verified, so that damaged ones are detected before use.
    pub fn lost<'p>(&self, packages: &[&'p LockedPackage]) -> Result<Vec<&'p LockedPackage>, SdkError> {
        let lost = try_each(packages, super::ensure::cores(), |package| match self.store.verified(&package.sha256) {
            Ok(_) => Ok(None),
            Err(error) if error.is_loss() => Ok(Some(*package)),
            Err(error) => Err(SdkError::from(error)),
        })?;
        Ok(lost.into_iter().flatten().collect())
    }

    /// Fetches packages by their paths, mirror by mirror, reporting as `unit`. Returns the paths of those that no mirror has.
    pub fn fetch(&self, unit: &str, packages: &[&LockedPackage]) -> Result<Vec<String>, SdkError> {
        let archive = Archive::find(self.settings)?;
        let total = packages.iter().map(|package| package.size_bytes).sum();
        let done = AtomicU64::new(0);
        let report = |more| {
            let done = done.fetch_add(more, Ordering::Relaxed) + more;
            self.reporter.event(Event::Amount { unit: unit.to_owned(), done, total: Some(total) });
        };
        let mut left: Vec<Wanted<'_>> = packages.iter().map(|package| (*package, Vec::new())).collect();
        // Archives remove what they replaced; caches keep it.
        for place in archive.main.iter().map(Place::mirror).chain(self.settings.caches.iter().map(Place::cache)) {
            let batch = BATCH.min(left.len().div_ceil(CONNECTIONS)).max(1);
            let batches: Vec<&[Wanted<'_>]> = left.chunks(batch).collect();
            left = try_each(&batches, CONNECTIONS, |batch| self.fetch_batch(&place, batch, &report))?.into_iter().flatten().collect();
        }
        match left.iter().find(|(_, reasons)| !reasons.is_empty()) {
            Some((package, reasons)) => Err(SdkError::Fetch { path: package.path.clone(), reason: reasons.join("; ") }),
            None => Ok(left.into_iter().map(|(package, _)| package.path.clone()).collect()),
        }
    }

    /// Fetches a few packages from one place and returns those it did not have.
    fn fetch_batch<'p>(&self, place: &Place<'_>, batch: &[Wanted<'p>], report: &dyn Fn(u64)) -> Result<Vec<Wanted<'p>>, SdkError> {
        let scratch = self.store.scratch("debs")?;
        let one = |(package, _): &Wanted<'_>| {
            Download::sized((place.address)(package), scratch.path().join(package.sha256.hex()), package.size_bytes)
        };
        let downloads: Vec<Download> = batch.iter().map(one).collect();
        let outcomes = download(self.settings.client, &downloads, PATIENCE, report, self.cancel)?;
        let mut left = Vec::new();
        for (((package, reasons), item), outcome) in batch.iter().zip(&downloads).zip(outcomes) {
            let mut reasons = reasons.clone();
            match outcome {
                Outcome::Fetched => match fs::metadata(&item.target).map_err(|source| SdkError::io("read", &item.target, source))?.len() {
                    // A truncated file is not a sign of tampering, and the next mirror may have all of it.
                    length if length < package.size_bytes => {
                        reasons.push(format!("{}: it sent {length} of {} bytes", place.name, package.size_bytes));
                    }
                    _ => {
                        self.keep(package, item)?;
                        continue;
                    }
                },
                Outcome::NotFound => {}
                Outcome::Unreachable(reason) | Outcome::Failed(reason) => reasons.push(format!("{}: {reason}", place.name)),
            }
            left.push((*package, reasons));
        }
        Ok(left)
    }

    /// Stores a fetched package if it matches the lock.
    fn keep(&self, package: &LockedPackage, item: &Download) -> Result<(), SdkError> {
        let found = Digest::of_file(&item.target).map_err(|source| SdkError::io("read", &item.target, source))?;
        if found != package.sha256 {
            return Err(SdkError::WrongBytes { uri: item.uri.clone(), expected: package.sha256, found });
        }
        self.store.put_file(&item.target)?;
        fs::remove_file(&item.target).map_err(|source| SdkError::io("remove", &item.target, source))
    }
}
