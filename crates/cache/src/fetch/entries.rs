//! Asking caches for results.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use base::digest::Digest;
use planning::spec::Spec;
use runtime::workers::try_each;
use sdk::apt::{AptError, Download, Outcome, Patience, download};

use super::{Access, Answer, CONNECTIONS, Caches, answer};
use crate::offer::{Offer, Refused};
use crate::settings::NamedCache;

/// Entries fetched over one connection.
const BATCH: usize = 16;

/// Entries are not longer.
const LONGEST_BYTES: u64 = 4 << 20;

/// A slow cache costs more time than it saves. Connections that are kept open break now and then.
const PATIENCE: Patience = Patience { when_busy: 3, ..Patience::new(1, 10) };

impl Caches {
    /// What caches offer for these builds, in the same order. Each key is looked up once per run.
    ///
    /// # Errors
    /// When the user asked to stop, or fetching is impossible. Problems of a cache are only warnings.
    pub fn offers(&self, wanted: &[(&Spec, Digest)], access: &Access<'_>) -> Result<Vec<Option<Offer>>, AptError> {
        let unknown = |(_, key): &&(&Spec, Digest)| !self.seen().offers.contains_key(key);
        let mut left: Vec<(&Spec, Digest)> = wanted.iter().filter(unknown).copied().collect();
        for (name, cache) in &self.list {
            if left.is_empty() {
                break;
            }
            self.check_folder(access, name, cache);
            if self.is_silent(name) {
                continue;
            }
            let size = BATCH.min(left.len().div_ceil(CONNECTIONS)).max(1);
            let batches: Vec<&[(&Spec, Digest)]> = left.chunks(size).collect();
            let found = try_each(&batches, CONNECTIONS, |batch| self.ask(name, cache, batch, access))?;
            self.examine(name, cache, access)?;
            for offer in found.into_iter().flatten() {
                left.retain(|(_, key)| *key != offer.statement.key);
                self.seen().offers.insert(offer.statement.key, Some(offer));
            }
        }
        for (_, key) in left {
            self.seen().offers.insert(key, None);
        }
        Ok(wanted.iter().map(|(_, key)| self.known(key)).collect())
    }

    /// Asks one cache for a few results.
    fn ask(&self, name: &str, cache: &NamedCache, batch: &[(&Spec, Digest)], access: &Access<'_>) -> Result<Vec<Offer>, AptError> {
        if self.is_silent(name) {
            return Ok(Vec::new());
        }
        let scratch = access.store.scratch("cache-entries").map_err(AptError::from)?;
        let one = |(_, key): &(&Spec, Digest)| {
            Download::at_most(cache.address.file(&format!("ac/{key}")), scratch.path().join(key.hex()), LONGEST_BYTES)
        };
        let downloads: Vec<Download> = batch.iter().map(one).collect();
        let outcomes = download(access.client, &downloads, PATIENCE, &|heard| self.listen(access, heard), access.cancel)?;
        let mut offers = Vec::new();
        if outcomes.contains(&Outcome::Fetched) {
            self.is_there(name);
        }
        for (((spec, key), item), outcome) in batch.iter().zip(&downloads).zip(outcomes) {
            match outcome {
                Outcome::Fetched => match self.read(&item.target, (name, cache), spec, key) {
                    Ok(offer) => offers.push(offer),
                    Err(every @ (Refused::Page | Refused::Compressed { .. })) => self.give_up(access, name, &every.to_string()),
                    Err(refused) => self.tell(name, spec, &refused, access),
                },
                Outcome::NotFound => {}
                Outcome::Unreachable(reason) => self.give_up(access, name, &reason),
                Outcome::Failed(reason) => match answer(&reason) {
                    Answer::Missing => {}
                    Answer::Locked(why) | Answer::Down(why) | Answer::Broken(why) => self.give_up(access, name, &why),
                },
            }
        }
        Ok(offers)
    }

    fn read(&self, path: &Path, (name, cache): (&str, &NamedCache), spec: &Spec, key: &Digest) -> Result<Offer, Refused> {
        let mut bytes = Vec::new();
        let read = fs::File::open(path).and_then(|file| file.take(LONGEST_BYTES + 1).read_to_end(&mut bytes));
        if read.is_err() || bytes.len() as u64 > LONGEST_BYTES {
            return Err(Refused::Unreadable);
        }
        Offer::read(&bytes, (name, cache.agree), spec, key, &self.trusted)
    }

    /// Warns of a result that is not trusted. For results of an unknown builder, one warning is enough.
    fn tell(&self, cache: &str, spec: &Spec, refused: &Refused, access: &Access<'_>) {
        let text = match refused {
            Refused::Strangers { .. } => {
                format!("the cache `{cache}` has results that are not used: {refused}; `cargo xtask cache trust` names builders to believe")
            }
            Refused::TooFew { .. } => format!("the cache `{cache}` has results that are not used: {refused}"),
            Refused::Unreadable | Refused::Page | Refused::Compressed { .. } | Refused::BadSignature { .. } | Refused::Unfit(_) => {
                format!("the cache `{cache}` has a result of `{}` that is not used: {refused}", spec.name)
            }
        };
        self.warn(access, text);
    }
}
