//! Fetching the packages of offers into the store.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use base::digest::Digest;
use runtime::progress::Event;
use runtime::store::StoreError;
use runtime::workers::try_each;
use sdk::apt::{AptError, Download, Heard, Outcome, Patience, download};

use super::{Access, Answer, CONNECTIONS, CacheUse, Caches, answer};
use crate::offer::{Offer, Refused};
use crate::place::{encoding, is_page};
use crate::settings::NamedCache;
use crate::statement::SharedPackage;

/// Packages fetched over one connection.
const BATCH: usize = 8;

const PATIENCE: Patience = Patience { when_busy: 3, ..Patience::new(1, 30) };

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
    /// Fetches the packages of all offers into the store. What the cache of an offer lacks or has damaged, the others are asked for: a package
    /// is known by its digest, wherever it comes from. Returns the keys of the offers whose packages are all there. The others are not
    /// offered again, and a warning names the reason.
    ///
    /// # Errors
    /// When the user asked to stop, fetching is impossible, or the store fails.
    pub fn fetch(&self, offers: &[Offer], access: &Access<'_>) -> Result<BTreeSet<Digest>, FetchError> {
        let packages = || offers.iter().flat_map(|offer| offer.statement.packages.iter().map(move |shared| (offer, shared)));
        let mut asked = BTreeSet::new();
        let mut wanted: Vec<Wanted<'_>> = packages()
            .filter(|(_, shared)| access.store.object(&shared.package.object).is_none() && asked.insert(shared.package.object))
            .map(|(offer, shared)| Wanted { offer, shared })
            .collect();
        let total = wanted.iter().map(|wanted| wanted.shared.size_bytes).sum::<u64>();
        let done = AtomicU64::new(0);
        let report = |heard: Heard<'_>| {
            self.listen(access, heard);
            let more = heard.bytes();
            // What was damaged comes twice.
            let done = (done.fetch_add(more, Ordering::Relaxed) + more).min(total);
            access.reporter.event(Event::Amount { unit: UNIT.to_owned(), done, total: Some(total) });
        };
        for round in 0..self.list.len() {
            wanted.retain(|wanted| access.store.object(&wanted.shared.package.object).is_none());
            let size = BATCH.min(wanted.len().div_ceil(CONNECTIONS)).max(1);
            let batches: Vec<&[Wanted<'_>]> = wanted.chunks(size).collect();
            try_each(&batches, CONNECTIONS, |batch| self.fetch_batch(batch, round, &report, access))?;
        }
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

    /// The caches in the order in which a package of an offer is looked for there: first the one that made the offer.
    fn in_order<'c, 'o>(&'c self, offer: &'o Offer) -> impl Iterator<Item = &'c (String, NamedCache)> + use<'c, 'o> {
        let is_own = |(name, _): &&(String, NamedCache)| *name == offer.cache;
        self.list.iter().filter(is_own).chain(self.list.iter().filter(move |cache| !is_own(cache)))
    }

    /// Asks for some packages, each the cache that is the next one for it.
    fn fetch_batch(
        &self,
        batch: &[Wanted<'_>],
        round: usize,
        report: &(dyn Fn(Heard<'_>) + Sync),
        access: &Access<'_>,
    ) -> Result<(), FetchError> {
        let scratch = access.store.scratch("cache-packages")?;
        // The packages of a batch may come from different caches. Caches that stopped answering are skipped.
        let place = |wanted: &Wanted<'_>| {
            let (name, cache) = self.in_order(wanted.offer).nth(round).filter(|(name, _)| !self.is_silent(name))?;
            let object = wanted.shared.package.object;
            let uri = cache.address.file(&format!("cas/{object}"));
            Some((name.as_str(), Download::sized(uri, scratch.path().join(object.hex()), wanted.shared.size_bytes)))
        };
        let asked: Vec<(&Wanted<'_>, &str, Download)> =
            batch.iter().filter_map(|wanted| place(wanted).map(|(name, item)| (wanted, name, item))).collect();
        let downloads: Vec<Download> = asked.iter().map(|(_, _, item)| item.clone()).collect();
        let outcomes = download(access.client, &downloads, PATIENCE, report, access.cancel)?;
        for ((wanted, cache, item), outcome) in asked.iter().zip(outcomes) {
            let lacks = |why: &str| self.lacks(wanted, (cache, round), why, access);
            match outcome {
                Outcome::Fetched => match wanted.check(&item.target)? {
                    Ok(()) => self.keep(&item.target, wanted.shared, access)?,
                    Err(Unlike::All(refused)) => self.give_up(access, cache, &refused.to_string()),
                    Err(Unlike::Other(why)) => lacks(&why),
                },
                Outcome::NotFound => lacks(MISSING),
                Outcome::Unreachable(reason) => self.give_up(access, cache, &reason),
                Outcome::Failed(reason) => match answer(&reason) {
                    Answer::Missing => lacks(MISSING),
                    Answer::Locked(why) | Answer::Down(why) => self.give_up(access, cache, &why),
                    Answer::Broken(why) => lacks(&why),
                },
            }
        }
        Ok(())
    }

    /// Takes a package, which was checked, into the store.
    fn keep(&self, fetched: &Path, shared: &SharedPackage, access: &Access<'_>) -> Result<(), FetchError> {
        access.store.adopt(fetched)?;
        self.seen().tally.bytes += shared.size_bytes;
        Ok(())
    }

    /// Warns that a cache does not have a package, and says what happens instead.
    fn lacks(&self, wanted: &Wanted<'_>, (cache, round): (&str, usize), why: &str, access: &Access<'_>) {
        let (file, spec) = (&wanted.shared.package.file_name, &wanted.offer.statement.spec);
        let next = self.in_order(wanted.offer).skip(round + 1).find(|(name, _)| !self.is_silent(name));
        let instead = match next {
            Some((name, _)) => format!("the cache `{name}` is asked for it"),
            None if self.used == CacheUse::Only => format!("without it `{spec}` cannot be taken"),
            None => format!("`{spec}` is built here"),
        };
        self.warn(access, format!("`{file}` of the cache `{cache}` is not used, and {instead}: {why}"));
    }
}

/// Why a package that an entry lists could not be taken.
const MISSING: &str = "the cache does not have it any more";

/// A package that an offer names.
struct Wanted<'o> {
    offer: &'o Offer,
    shared: &'o SharedPackage,
}

/// Why a file is not the package that was asked for.
enum Unlike {
    /// Nothing that this server sends can be used.
    All(Refused),
    /// Its size or content.
    Other(String),
}

impl Wanted<'_> {
    /// Whether a file has the size and the digest that were signed.
    fn check(&self, fetched: &Path) -> Result<Result<(), Unlike>, StoreError> {
        let (size_bytes, expected) = (self.shared.size_bytes, self.shared.package.object);
        let io = |source| StoreError::io("read", fetched, source);
        let length = fs::metadata(fetched).map_err(io)?.len();
        let found = Digest::of_file(fetched).map_err(io)?;
        if found == expected && length == size_bytes {
            return Ok(Ok(()));
        }
        let mut begin = Vec::new();
        File::open(fetched).and_then(|file| file.take(BEGIN_BYTES).read_to_end(&mut begin)).map_err(io)?;
        if is_page(&begin) {
            return Ok(Err(Unlike::All(Refused::Page)));
        }
        if let Some(encoding) = encoding(&begin) {
            return Ok(Err(Unlike::All(Refused::Compressed { encoding })));
        }
        let what = if length == size_bytes {
            format!("SHA-256 {found}, and {expected} was")
        } else {
            format!("{length} bytes, and {size_bytes} were")
        };
        Ok(Err(Unlike::Other(format!("it has {what} signed"))))
    }
}

/// By so much of a file a web page is known.
const BEGIN_BYTES: u64 = 512;
