//! Fetches files by address, without programs of the host.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use ureq::Agent;

use super::agent::Network;
use super::transfer::{Failed, copy, transfer};
use crate::apt::busy::Tried;
use crate::apt::download::host;
use crate::apt::heard::Listener;
use crate::apt::{AptError, Download, Outcome, Patience};
use runtime::cancel::Cancel;

/// How often to check whether the user asked to stop.
pub(super) const LOOK: Duration = Duration::from_millis(20);

/// Asks for `downloads` one after the other over connections kept open.
///
/// # Errors
/// When the user asked to stop.
pub fn download(
    downloads: &[Download],
    patience: Patience,
    network: &Network,
    listener: &Listener<'_>,
    cancel: &Cancel,
) -> Result<Vec<Tried>, AptError> {
    let agents = Agents::new(network, patience.timeout());
    let failed = |reason: &str| downloads.iter().map(|_| Tried::Done(Outcome::Failed(reason.to_owned()))).collect();
    let answers = Arc::new(AtomicU64::new(0));
    let (done, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let (sender, results) = mpsc::channel();
    let work = Work {
        downloads: downloads.to_vec(),
        agents: agents.clone(),
        network: network.clone(),
        patience,
        done: Arc::clone(&done),
        answers: Arc::clone(&answers),
        stop: Arc::clone(&stop),
    };
    // Not joined when the user asks to stop, because connecting cannot be interrupted.
    if let Err(error) = thread::Builder::new().spawn(move || sender.send(work.run())) {
        return Ok(failed(&format!("cannot start a thread: {error}")));
    }
    let mut reported = 0;
    let mut look = || {
        if answers.swap(0, Ordering::Relaxed) > 0 {
            listener.alive();
        }
        let now = done.load(Ordering::Relaxed);
        listener.look(now.saturating_sub(reported));
        reported = reported.max(now);
    };
    loop {
        if cancel.is_raised() {
            stop.store(true, Ordering::Relaxed);
            agents.shutdown();
            return Err(AptError::Interrupted);
        }
        let result = results.recv_timeout(LOOK);
        look();
        match result {
            Ok(outcomes) => return Ok(outcomes),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Ok(failed("the transfer ended unexpectedly"));
            }
        }
    }
}

/// The clients for either scheme, or why one cannot be used.
#[derive(Clone)]
pub(super) struct Agents {
    plain: Result<Agent, String>,
    tls: Result<Agent, String>,
}

impl Agents {
    pub(super) fn new(network: &Network, timeout: Duration) -> Self {
        Self { plain: network.agent(false, timeout), tls: network.agent(true, timeout) }
    }

    /// The client for an address.
    pub(super) fn of(&self, address: &str) -> &Result<Agent, String> {
        if address.starts_with("https:") { &self.tls } else { &self.plain }
    }

    pub(super) fn shutdown(self) {
        for agent in [self.plain, self.tls].into_iter().flatten() {
            agent.shutdown();
        }
    }
}

struct Work {
    downloads: Vec<Download>,
    agents: Agents,
    network: Network,
    patience: Patience,
    done: Arc<AtomicU64>,
    /// The number of downloads that were decided since it was looked at.
    answers: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Work {
    fn run(&self) -> Vec<Tried> {
        // Servers that are not asked for more, and why.
        let mut silent: BTreeMap<&str, Tried> = BTreeMap::new();
        let mut all = Vec::new();
        for download in &self.downloads {
            let host = host(&download.uri);
            let tried = silent.get(host).cloned().unwrap_or_else(|| self.fetch(download));
            if matches!(tried, Tried::Done(Outcome::Unreachable(_)) | Tried::Busy { .. }) {
                silent.insert(host, tried.clone());
            }
            self.answers.fetch_add(1, Ordering::Relaxed);
            all.push(tried);
        }
        all
    }

    fn fetch(&self, download: &Download) -> Tried {
        let Download { uri, target, .. } = download;
        if let Some(path) = local_path(uri) {
            return Tried::Done(copy(&path, target, &self.done));
        }
        let agent = match self.agents.of(uri) {
            Ok(agent) => agent,
            Err(reason) => return Tried::Done(Outcome::Failed(reason.clone())),
        };
        let (mut last, mut unanswered) = (Outcome::Failed("not tried".into()), 0);
        for attempt in 0..=self.patience.retries {
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            thread::sleep(pause(attempt));
            match transfer(agent, download, self.patience, &self.network, &self.done) {
                Ok(()) => return Tried::Done(Outcome::Fetched),
                Err(Failed::ForGood(outcome)) => return Tried::Done(outcome),
                Err(Failed::Busy { answer, after }) => return Tried::Busy { answer, after },
                Err(Failed::ForNow(outcome)) => last = outcome,
                Err(Failed::Unanswered(outcome)) => {
                    last = outcome;
                    unanswered += 1;
                    if unanswered > self.patience.when_unanswered() {
                        break;
                    }
                }
            }
        }
        Tried::Done(last)
    }
}

/// None before the first try, then 0.2 s, 0.4 s, 0.8 s, … up to 2 s.
pub(super) fn pause(attempt: u32) -> Duration {
    if attempt == 0 { Duration::ZERO } else { Duration::from_millis(100 << attempt.min(5)).min(Duration::from_secs(2)) }
}

/// The local file of an address: `copy:/path`, `file:/path` or `file:///path`, percent-encoded as apt takes it.
pub(in crate::apt) fn local_path(uri: &str) -> Option<PathBuf> {
    let path = uri.strip_prefix("copy:").or_else(|| uri.strip_prefix("file:"))?;
    Some(PathBuf::from(crate::apt::download::decoded(path.strip_prefix("//").unwrap_or(path))))
}
