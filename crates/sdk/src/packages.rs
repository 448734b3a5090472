//! Fetches locked packages into the store.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::{LockedPackage, SdkError};
use crate::apt::{Archive, CacheAddress, Download, Heard, Mirror, Outcome, Patience, Settings, download};
use base::digest::Digest;
use runtime::cancel::Cancel;
use runtime::progress::{Event, Reporter};
use runtime::store::Store;
use runtime::workers::try_each;

/// What fetching needs.
pub(super) struct PackagePool<'a> {
    store: &'a Store,
    settings: &'a Settings,
    reporter: &'a dyn Reporter,
    cancel: &'a Cancel,
    patience: Patience,
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

/// Places that cannot be reached and are not asked any more, and why.
#[derive(Default)]
struct Silent(Mutex<BTreeMap<String, String>>);

impl Silent {
    fn reason(&self, place: &str) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(place).cloned()
    }

    fn insert(&self, place: &str, reason: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(place.to_owned(), reason);
    }
}

impl<'a> PackagePool<'a> {
    /// Packages of the archive and the caches of `settings`, in `store`.
    pub fn new(store: &'a Store, settings: &'a Settings, reporter: &'a dyn Reporter, cancel: &'a Cancel) -> Self {
        Self { store, settings, reporter, cancel, patience: PATIENCE }
    }

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
        let complaints = Mutex::new(BTreeSet::new());
        let report = |heard: Heard<'_>| match heard.complaint() {
            Some(complaint) if complaints.lock().unwrap_or_else(PoisonError::into_inner).insert(complaint.clone()) => {
                self.reporter.warn(complaint);
            }
            Some(_) => {}
            None => {
                let done = done.fetch_add(heard.bytes(), Ordering::Relaxed) + heard.bytes();
                self.reporter.event(Event::Amount { unit: unit.to_owned(), done, total: Some(total) });
            }
        };
        let silent = Silent::default();
        let mut left: Vec<Wanted<'_>> = packages.iter().map(|package| (*package, Vec::new())).collect();
        // Archives remove what they replaced; caches keep it.
        for place in archive.main.iter().map(Place::mirror).chain(self.settings.caches.iter().map(Place::cache)) {
            let batch = BATCH.min(left.len().div_ceil(CONNECTIONS)).max(1);
            let batches: Vec<&[Wanted<'_>]> = left.chunks(batch).collect();
            left =
                try_each(&batches, CONNECTIONS, |batch| self.fetch_batch(&place, batch, &silent, &report))?.into_iter().flatten().collect();
        }
        match left.iter().find(|(_, reasons)| !reasons.is_empty()) {
            Some((package, reasons)) => Err(SdkError::Fetch { path: package.path.clone(), reason: reasons.join("; ") }),
            None => Ok(left.into_iter().map(|(package, _)| package.path.clone()).collect()),
        }
    }

    /// Fetches a few packages from one place and returns those it did not have.
    fn fetch_batch<'p>(
        &self,
        place: &Place<'_>,
        batch: &[Wanted<'p>],
        silent: &Silent,
        report: &dyn Fn(Heard<'_>),
    ) -> Result<Vec<Wanted<'p>>, SdkError> {
        if let Some(reason) = silent.reason(&place.name) {
            let without =
                |(package, reasons): &Wanted<'p>| (*package, [reasons.clone(), vec![format!("{}: {reason}", place.name)]].concat());
            return Ok(batch.iter().map(without).collect());
        }
        let scratch = self.store.scratch("debs")?;
        let one = |(package, _): &Wanted<'_>| {
            Download::sized((place.address)(package), scratch.path().join(package.sha256.hex()), package.size_bytes)
        };
        let downloads: Vec<Download> = batch.iter().map(one).collect();
        let outcomes = download(self.settings.client, &downloads, self.patience, report, self.cancel)?;
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
                Outcome::Unreachable(reason) => {
                    reasons.push(format!("{}: {reason}", place.name));
                    silent.insert(&place.name, reason);
                }
                Outcome::Failed(reason) => reasons.push(format!("{}: {reason}", place.name)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apt::Client;
    use crate::apt::testing::server::Server;
    use runtime::progress::Silent as NoReports;

    #[test]
    fn a_mirror_that_does_not_answer_is_not_asked_for_each_package() {
        let folder = tempfile::tempdir().unwrap();
        let (store, cache) = (Store::open(&folder.path().join("store")).unwrap(), folder.path().join("cache"));
        fs::create_dir_all(cache.join("cas")).unwrap();
        let package = |number: usize| {
            let (content, name) = (format!("package {number}"), format!("p{number}"));
            let sha256 = Digest::of_bytes(&content);
            fs::write(cache.join("cas").join(sha256.hex()), &content).unwrap();
            LockedPackage { path: format!("pool/{name}.deb"), name, version: "1".into(), size_bytes: content.len() as u64, sha256 }
        };
        let packages: Vec<LockedPackage> = (0..200).map(package).collect();
        let mirror = Server::new(|_, _| Vec::new());
        let settings = Settings {
            debian_mirror: Some(mirror.address.clone()),
            client: Client::Builtin,
            source_mirrors: Vec::new(),
            caches: vec![format!("file:{}", cache.display()).parse().unwrap()],
            apt_folder: "/nonexistent".into(),
            keyring: "/nonexistent".into(),
            project: "/nonexistent".into(),
            locked: false,
        };
        let cancel = Cancel::new();
        let pool = PackagePool { patience: Patience::new(1, 1), ..PackagePool::new(&store, &settings, &NoReports, &cancel) };
        let missing = pool.fetch("sdk packages", &packages.iter().collect::<Vec<_>>()).unwrap();
        assert_eq!(missing, Vec::<String>::new());
        assert!(packages.iter().all(|package| store.object(&package.sha256).is_some()));
        assert!(mirror.asked().len() <= CONNECTIONS, "{}", mirror.asked().len());
    }
}
