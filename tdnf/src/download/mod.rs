//! Fetching files over HTTP, HTTPS and from directories: mirrors in order, resumed, bounded in size and time.

mod address;
mod certificate;
mod client;
mod connect;
mod error;
mod proxy;
#[cfg(test)]
mod tests;
mod tls;
mod transfer;
mod trust;

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

use address::Address;
use rpm_engine::repo::percent;

pub use address::shown;
pub use client::{Client, Family, Network};
pub use error::DownloadError;

/// A file to be fetched.
#[derive(Clone, Debug)]
pub struct Item {
    /// How it is called in messages.
    pub label: String,
    /// Where it is, in the order of trial.
    pub urls: Vec<String>,
    /// The file it becomes. Its directory must be there.
    pub to: PathBuf,
    /// Its checksum, in lowercase hexadecimal, where that is known; which it is its length says.
    pub expected: Option<String>,
    /// Its size in bytes, where that is known.
    pub size: Option<u64>,
    /// What it may have at most, in bytes, where its size is not known.
    pub most_bytes: u64,
}

impl Item {
    fn limit_bytes(&self) -> u64 {
        self.size.unwrap_or(self.most_bytes).min(self.most_bytes)
    }
}

/// How it goes.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// Bytes begin to arrive.
    Started {
        /// The file.
        label: &'a str,
        /// Its size in bytes, where that is known.
        total: Option<u64>,
        /// What was there before, in bytes.
        done: u64,
    },
    /// Bytes arrived.
    Advanced {
        /// The file.
        label: &'a str,
        /// How many there are by now.
        done: u64,
    },
    /// It is complete and what it should be.
    Finished {
        /// The file.
        label: &'a str,
    },
    /// An address failed; the next one, or the same again, is tried.
    Failed {
        /// The file.
        label: &'a str,
        /// Why.
        error: &'a DownloadError,
    },
}

/// Hears of events, from several threads at once.
pub type Report<'a> = &'a (dyn Fn(Event<'_>) + Sync);

/// Fetches one file: each address in order, all of them again as often as is configured, those left out that cannot ever answer.
///
/// # Errors
/// The last one, when no address gives the file.
pub fn fetch(client: &Client, item: &Item, report: Report<'_>) -> Result<(), DownloadError> {
    let mut urls: Vec<Address> = item.urls.iter().map(|url| Address::of(url)).collect();
    let mut last = DownloadError::Nowhere { label: item.label.clone() };
    for round in 0..=client.retries {
        if round > 0 && !urls.is_empty() {
            sleep(pause(round));
        }
        let mut left = Vec::new();
        for url in urls {
            match transfer::transfer(client, item, &url, report) {
                Ok(()) => {
                    report(Event::Finished { label: &item.label });
                    return Ok(());
                }
                Err(error) => {
                    report(Event::Failed { label: &item.label, error: &error });
                    if round < error.retries(client) && local_path(&url.url).is_none() {
                        left.push(url);
                    }
                    last = error;
                }
            }
        }
        urls = left;
    }
    Err(last)
}

/// 0.1 s, 0.2 s, 0.4 s, … up to 2 s.
fn pause(round: u32) -> Duration {
    Duration::from_millis(50_u64.saturating_mul(1 << round.min(10))).min(Duration::from_secs(2))
}

/// Fetches several files, `at_once` of them at a time. The first that fails stops those not begun yet.
///
/// # Errors
/// That of the first file that fails.
pub fn fetch_all(items: &[(&Client, Item)], at_once: usize, report: Report<'_>) -> Result<(), DownloadError> {
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let failure = Mutex::new(None);
    let work = || {
        while !stop.load(Ordering::Relaxed)
            && let Some((client, item)) = items.get(next.fetch_add(1, Ordering::Relaxed))
        {
            if let Err(error) = fetch(client, item, report) {
                stop.store(true, Ordering::Relaxed);
                failure.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).get_or_insert(error);
            }
        }
    };
    scope(|scope| {
        for _ in 0..at_once.clamp(1, items.len().max(1)) {
            scope.spawn(work);
        }
    });
    failure.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()).map_or(Ok(()), Err)
}

/// Whether a file that is on this machine already is the item: its size and digest are checked as those of one that arrives.
///
/// # Errors
/// When it cannot be read, or is another.
pub fn check(item: &Item, path: &Path) -> Result<(), DownloadError> {
    let url = path.display().to_string();
    let local = |source| DownloadError::Local { url: url.clone(), source };
    if std::fs::metadata(path).map_err(local)?.len() > item.limit_bytes() {
        return Err(DownloadError::TooLarge { url, limit_bytes: item.limit_bytes() });
    }
    match &item.expected {
        Some(expected) if !rpm_engine::checksum::has(path, expected).map_err(local)? => Err(DownloadError::Digest { url }),
        _ => Ok(()),
    }
}

/// The file an address means on this machine: `file:///path`, percent-encoded, or a bare path, as it is.
pub fn local_path(url: &str) -> Option<PathBuf> {
    match url.strip_prefix("file://") {
        Some(path) if path.starts_with('/') => Some(OsString::from_vec(percent::decoded(path)).into()),
        Some(_) => None,
        None => url.starts_with('/').then(|| url.into()),
    }
}
