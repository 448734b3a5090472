//! Fetching the packages of offers into the store.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use base::digest::Digest;
use runtime::progress::Event;
use runtime::store::StoreError;
use runtime::workers::try_each;
use sdk::apt::{AptError, Download, Outcome, Patience, download};

use super::{Access, Answer, CONNECTIONS, Caches, answer};
use crate::offer::Offer;
use crate::statement::SharedPackage;

/// Packages fetched over one connection.
const BATCH: usize = 8;

const PATIENCE: Patience = Patience::new(1, 30);

/// The unit in which the progress of fetching is reported.
const UNIT: &str = "packages from the cache";

/// Why packages could not be stored.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Fetching is impossible, or the user asked to stop.
    #[error(transparent)]
    Apt(#[from] AptError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl base::diagnostic::Failure for FetchError {
    fn inner(&self) -> Option<&dyn base::diagnostic::Failure> {
        match self {
            Self::Apt(error) => Some(error),
            Self::Store(error) => Some(error),
        }
    }
}

impl Caches {
    /// Fetches the packages of all offers into the store. Returns the keys of the offers whose packages are all there. The others are not
    /// offered again, and a warning names the reason.
    ///
    /// # Errors
    /// When the user asked to stop, fetching is impossible, or the store fails.
    pub fn fetch(&self, offers: &[Offer], access: &Access<'_>) -> Result<BTreeSet<Digest>, FetchError> {
        let packages = || offers.iter().flat_map(|offer| offer.statement.packages.iter().map(move |shared| (offer, shared)));
        let mut asked = BTreeSet::new();
        let wanted: Vec<(&Offer, &SharedPackage)> = packages()
            .filter(|(_, shared)| access.store.object(&shared.package.object).is_none() && asked.insert(shared.package.object))
            .collect();
        let total = wanted.iter().map(|(_, shared)| shared.size_bytes).sum();
        let done = AtomicU64::new(0);
        let report = |more| {
            let done = done.fetch_add(more, Ordering::Relaxed) + more;
            access.reporter.event(Event::Amount { unit: UNIT.to_owned(), done, total: Some(total) });
        };
        let size = BATCH.min(wanted.len().div_ceil(CONNECTIONS)).max(1);
        let batches: Vec<&[(&Offer, &SharedPackage)]> = wanted.chunks(size).collect();
        try_each(&batches, CONNECTIONS, |batch| self.fetch_batch(batch, &report, access))?;
        let is_whole = |offer: &&Offer| offer.statement.packages.iter().all(|shared| access.store.object(&shared.package.object).is_some());
        let (whole, parts): (Vec<&Offer>, Vec<&Offer>) = offers.iter().partition(is_whole);
        for offer in &whole {
            access.store.put_bytes(&offer.envelope)?;
        }
        let mut seen = self.seen();
        seen.tally.results += whole.len();
        for offer in parts {
            seen.offers.insert(offer.statement.key, None);
        }
        Ok(whole.into_iter().map(|offer| offer.statement.key).collect())
    }

    fn fetch_batch(
        &self,
        batch: &[(&Offer, &SharedPackage)],
        report: &(dyn Fn(u64) + Sync),
        access: &Access<'_>,
    ) -> Result<(), FetchError> {
        let scratch = access.store.scratch("cache-packages")?;
        // The offers of a batch may come from different caches. Caches that stopped answering are skipped.
        let place = |(offer, shared): &(&Offer, &SharedPackage)| {
            let (_, cache) = self.list.iter().find(|(name, _)| *name == offer.cache && !self.is_silent(name))?;
            let object = shared.package.object;
            Some(Download::sized(cache.address.file(&format!("cas/{object}")), scratch.path().join(object.hex()), shared.size_bytes))
        };
        let asked: Vec<(&(&Offer, &SharedPackage), Download)> = batch.iter().filter_map(|one| Some((one, place(one)?))).collect();
        let downloads: Vec<Download> = asked.iter().map(|(_, item)| item.clone()).collect();
        let outcomes = download(access.client, &downloads, PATIENCE, report, access.cancel)?;
        for (((offer, shared), item), outcome) in asked.iter().zip(outcomes) {
            match outcome {
                Outcome::Fetched => self.keep(offer, shared, &item.target, access)?,
                Outcome::NotFound => self.lacks(offer, shared, "the cache does not have it any more", access),
                Outcome::Unreachable(reason) => self.give_up(access, &offer.cache, &reason),
                Outcome::Failed(reason) => match answer(&reason) {
                    Answer::Missing => self.lacks(offer, shared, "the cache does not have it any more", access),
                    Answer::Locked(why) => self.give_up(access, &offer.cache, &why),
                    Answer::Broken(why) => self.lacks(offer, shared, &why, access),
                },
            }
        }
        Ok(())
    }

    /// Takes a fetched package into the store if its digest is the signed one.
    fn keep(&self, offer: &Offer, shared: &SharedPackage, fetched: &Path, access: &Access<'_>) -> Result<(), FetchError> {
        let expected = shared.package.object;
        let io = |source| StoreError::io("read", fetched, source);
        let length = fs::metadata(fetched).map_err(io)?.len();
        if length != shared.size_bytes {
            self.lacks(offer, shared, &format!("it has {length} bytes, and {} were signed", shared.size_bytes), access);
            return Ok(());
        }
        let found = Digest::of_file(fetched).map_err(io)?;
        if found != expected {
            self.lacks(offer, shared, &format!("it has SHA-256 {found}, and {expected} was signed"), access);
            return Ok(());
        }
        access.store.adopt(fetched)?;
        self.seen().tally.bytes += length;
        Ok(())
    }

    fn lacks(&self, offer: &Offer, shared: &SharedPackage, why: &str, access: &Access<'_>) {
        let file = &shared.package.file_name;
        self.warn(
            access,
            format!("`{file}` of the cache `{}` is not used, and `{}` is built here: {why}", offer.cache, offer.statement.spec),
        );
    }
}
