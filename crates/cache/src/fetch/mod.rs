//! Reading caches: entries while planning, packages before building.
//!
//! A cache is never required: any problem with it means that packages are built instead. It is reported once per run as a warning, and a
//! cache that does not answer is not asked again.

mod blobs;
mod entries;
mod presence;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use blobs::FetchError;

use base::diagnostic::Failure as _;
use base::digest::Digest;
use runtime::cancel::Cancel;
use runtime::progress::Reporter;
use runtime::remote::TOKEN_VARIABLE;
use runtime::store::Store;
use sdk::apt::{Client, Heard};

use super::Offer;
use super::readable::check_readable;
use super::settings::{NamedCache, Settings, TrustedBuilder};

/// The caches of a run, and the trusted builders.
#[derive(Default)]
pub struct Caches {
    list: Vec<(String, NamedCache)>,
    trusted: BTreeMap<String, TrustedBuilder>,
    used: CacheUse,
    seen: Mutex<Seen>,
}

/// What happens to what no cache has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheUse {
    /// It is built.
    #[default]
    BuildsTheRest,
    /// It is an error.
    Only,
}

/// What this run has found out.
#[derive(Default)]
struct Seen {
    /// By key: the offer of a cache, or `None` if no cache has one.
    offers: BTreeMap<Digest, Option<Offer>>,
    /// Caches that are no longer asked.
    silent: BTreeSet<String>,
    /// Caches that are known to be caches, or were reported as none.
    examined: BTreeSet<String>,
    /// Warnings that were printed.
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

/// What reading a cache needs.
#[derive(Clone, Copy)]
pub struct Access<'a> {
    /// Where packages go.
    pub store: &'a Store,
    /// The client that fetches.
    pub client: Client,
    /// Where progress goes.
    pub reporter: &'a dyn Reporter,
    /// Raised when the user wants to stop.
    pub cancel: &'a Cancel,
}

/// Parallel transfers.
const CONNECTIONS: usize = 6;

impl Caches {
    /// These caches, read with the trusted builders of `settings`.
    pub fn new(list: Vec<(String, NamedCache)>, settings: &Settings, used: CacheUse) -> Self {
        Self { list, trusted: settings.builders.clone(), used, seen: Mutex::default() }
    }

    /// What happens to what none of them has.
    pub fn used(&self) -> CacheUse {
        self.used
    }

    /// Whether the list of caches is empty.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The names of the caches that did not answer, or not like a cache.
    pub fn silent(&self) -> Vec<String> {
        self.seen().silent.iter().cloned().collect()
    }

    /// The offer for a key that was looked up before.
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

    /// Warns, once per run and text.
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

    /// Warns of a server that lets others wait.
    fn listen(&self, access: &Access<'_>, heard: Heard<'_>) {
        if let Some(complaint) = heard.complaint() {
            self.warn(access, complaint);
        }
    }

    /// Does not ask a cache whose folder cannot be read.
    fn check_folder(&self, access: &Access<'_>, name: &str, cache: &NamedCache) {
        if let Err(error) = check_readable(&cache.address) {
            let hint = error.hint().unwrap_or_default();
            self.give_up(access, name, &format!("{error}: {}; {hint}", error.source));
        }
    }

    fn is_silent(&self, cache: &str) -> bool {
        self.seen().silent.contains(cache)
    }
}

/// What a server's answer to a request means for the cache as a whole.
enum Answer {
    /// It has no such file. Object stores answer 403 for missing files.
    Missing,
    /// It wants a password.
    Locked(String),
    /// It does not work at the moment.
    Down(String),
    /// Something is wrong with this file.
    Broken(String),
}

fn answer(reason: &str) -> Answer {
    match reason.strip_prefix("the server answered ").unwrap_or(reason).split(' ').next() {
        Some("403") => Answer::Missing,
        Some("401") => Answer::Locked(format!("{reason}: it wants a user and a password, which the address may contain")),
        Some("511") => Answer::Locked(format!("{reason}: the network wants a login first; open any page in a browser")),
        Some(status) if is_passing(status) => Answer::Down(format!("{reason}, which may pass; a later run asks it again")),
        Some("UNAUTHENTICATED:" | "PERMISSION_DENIED:") => Answer::Locked(format!(
            "{reason}: it wants a user and a password, which the address may contain, or a token in {TOKEN_VARIABLE}"
        )),
        _ => Answer::Broken(reason.to_owned()),
    }
}

/// Whether a text is a status of servers that do not work at the moment.
fn is_passing(status: &str) -> bool {
    status.len() == 3 && (status.starts_with('5') || status == "429") && status.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod on_the_network;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answers_of_all_clients_mean_the_same() {
        let shown = |reason: &str| match answer(reason) {
            Answer::Missing => "missing",
            Answer::Locked(_) => "locked",
            Answer::Down(_) => "down",
            Answer::Broken(_) => "broken",
        };
        for (reason, expected) in [
            ("the server answered 403 Forbidden", "missing"),
            ("the server answered 401 Unauthorized", "locked"),
            ("the server answered 511 Network Authentication Required", "locked"),
            ("PERMISSION_DENIED: no", "locked"),
            ("the server answered 500 Internal Server Error", "down"),
            ("the server answered 503 Service Unavailable", "down"),
            ("the server answered 429 Too Many Requests", "down"),
            ("the connection ended 5 bytes early", "broken"),
        ] {
            assert_eq!(shown(reason), expected, "{reason}");
        }
    }

    #[test]
    fn warnings_say_who_answered_what_and_what_to_do() {
        for (reason, expected) in [
            (
                "the server answered 503 Service Unavailable",
                "the server answered 503 Service Unavailable, which may pass; a later run asks it again",
            ),
            (
                "the server answered 401 Unauthorized",
                "the server answered 401 Unauthorized: it wants a user and a password, which the address may contain",
            ),
            ("the connection ended 5 bytes early", "the connection ended 5 bytes early"),
        ] {
            let (Answer::Locked(shown) | Answer::Down(shown) | Answer::Broken(shown)) = answer(reason) else { panic!("{reason}") };
            assert_eq!(shown, expected);
        }
    }
}
