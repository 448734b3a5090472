//! Reading caches: entries while planning, packages before building.
//!
//! Whatever is wrong with a cache ends in building: a cache is never needed. It is warned of once a run, and a cache that does not answer is
//! not asked again.

mod blobs;
mod entries;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use blobs::FetchError;

use base::digest::Digest;
use runtime::cancel::Cancel;
use runtime::progress::Reporter;
use runtime::store::Store;
use sdk::apt::Client;

use super::Offer;
use super::settings::{NamedCache, Settings, TrustedBuilder};

/// The caches of a run, and whom to believe.
#[derive(Default)]
pub struct Caches {
    list: Vec<(String, NamedCache)>,
    trusted: BTreeMap<String, TrustedBuilder>,
    seen: Mutex<Seen>,
}

/// What this run found out.
#[derive(Default)]
struct Seen {
    /// By key: what a cache offers, or that none does.
    offers: BTreeMap<Digest, Option<Offer>>,
    /// Caches that are not asked any more.
    silent: BTreeSet<String>,
    /// Warnings that were given.
    told: BTreeSet<String>,
    tally: Tally,
}

/// What was taken from caches in this run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Results.
    pub results: usize,
    /// Bytes of packages that were fetched.
    pub bytes: u64,
}

/// What reading a cache works with.
#[derive(Clone, Copy)]
pub struct Access<'a> {
    /// Where packages go.
    pub store: &'a Store,
    /// What fetches.
    pub client: Client,
    /// Where progress goes.
    pub reporter: &'a dyn Reporter,
    /// Raised when the user wants to stop.
    pub cancel: &'a Cancel,
}

/// Transfers at a time.
const CONNECTIONS: usize = 6;

impl Caches {
    /// These caches, read with the trust that `settings` express.
    pub fn new(list: Vec<(String, NamedCache)>, settings: &Settings) -> Self {
        Self { list, trusted: settings.builders.clone(), seen: Mutex::default() }
    }

    /// Whether the list of caches is empty.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The names of the caches that did not answer, or not as caches do.
    pub fn silent(&self) -> Vec<String> {
        self.seen().silent.iter().cloned().collect()
    }

    /// The offer under a key that was asked for before.
    pub fn known(&self, key: &Digest) -> Option<Offer> {
        self.seen().offers.get(key).cloned().flatten()
    }

    /// What was taken so far.
    pub fn tally(&self) -> Tally {
        self.seen().tally
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Warns, once a run for each text.
    fn warn(&self, access: &Access<'_>, text: String) {
        if self.seen().told.insert(text.clone()) {
            access.reporter.warn(text);
        }
    }

    /// Warns of a cache and does not ask it again.
    fn give_up(&self, access: &Access<'_>, cache: &str, why: &str) {
        if self.seen().silent.insert(cache.to_owned()) {
            access.reporter.warn(format!("the cache `{cache}` is not used: {why}"));
        }
    }

    fn is_silent(&self, cache: &str) -> bool {
        self.seen().silent.contains(cache)
    }
}

/// What a server's answer to a request means for the cache as a whole.
enum Answer {
    /// It has no such file. Object stores answer 403 for what is not there.
    Missing,
    /// It wants a password.
    Locked(String),
    /// It does not work.
    Broken(String),
}

fn answer(reason: &str) -> Answer {
    match reason.split_whitespace().next() {
        Some("403") => Answer::Missing,
        Some("401" | "407") => Answer::Locked(format!("{reason}: it wants a user and a password, which the address may contain")),
        _ => Answer::Broken(reason.to_owned()),
    }
}
