//! Asks servers whether they have files, without fetching them.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::agent::Network;
use super::authorization::authorized;
use super::download::{Agents, LOOK, local_path, pause};
use super::transfer::{Failed, classify, refused};
use crate::apt::download::host;
use crate::apt::{AptError, Outcome};
use base::address::public;
use runtime::cancel::Cancel;
use runtime::workers::try_each;

/// Whether a file can be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It is there.
    There,
    /// All servers answered that they have no such file.
    Missing,
    /// A server could not be asked.
    Unknown(String),
}

/// Few, because mirrors refuse clients that open many.
const CONNECTIONS: usize = 4;

const TIMEOUT: Duration = Duration::from_secs(10);

const RETRIES: u32 = 1;

/// Whether files are there, in order: each has several addresses, and one that answers is enough. Addresses of servers are asked with
/// `HEAD`.
///
/// # Errors
/// When the user asked to stop.
pub fn presence(files: Vec<Vec<String>>, network: &Network, cancel: &Cancel) -> Result<Vec<Presence>, AptError> {
    let agents = Agents::new(network, TIMEOUT);
    let (sender, results) = mpsc::channel();
    let (work, count) = (
        Arc::new(Work { agents: agents.clone(), network: network.clone(), cancel: cancel.clone(), silent: Mutex::default() }),
        files.len(),
    );
    // Not joined when the user asks to stop, because connecting cannot be interrupted.
    let started = thread::Builder::new().spawn(move || {
        let found = try_each(&files, CONNECTIONS, |addresses| work.of_any(addresses));
        // The receiver is gone if the user asked to stop.
        let _ = sender.send(found);
    });
    if let Err(error) = started {
        return Ok(vec![Presence::Unknown(format!("cannot start a thread: {error}")); count]);
    }
    loop {
        if cancel.is_raised() {
            agents.shutdown();
            return Err(AptError::Interrupted);
        }
        match results.recv_timeout(LOOK) {
            Ok(found) => return found,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(vec![Presence::Unknown("asking ended unexpectedly".into()); count]),
        }
    }
}

struct Work {
    agents: Agents,
    network: Network,
    cancel: Cancel,
    /// Hosts that cannot be reached, and why.
    silent: Mutex<BTreeMap<String, String>>,
}

impl Work {
    fn of_any(&self, addresses: &[String]) -> Result<Presence, AptError> {
        let mut unknown = None;
        for address in addresses {
            if self.cancel.is_raised() {
                return Err(AptError::Interrupted);
            }
            match self.of(address) {
                Presence::There => return Ok(Presence::There),
                Presence::Missing => {}
                other @ Presence::Unknown(_) => unknown = unknown.or(Some(other)),
            }
        }
        Ok(unknown.unwrap_or(Presence::Missing))
    }

    fn of(&self, address: &str) -> Presence {
        if let Some(path) = local_path(address) {
            return of_local(&path);
        }
        let (host, silent) = (host(address), || self.silent.lock().unwrap_or_else(PoisonError::into_inner));
        let known = silent().get(host).cloned();
        if let Some(reason) = known {
            return Presence::Unknown(reason);
        }
        match self.ask(address) {
            Outcome::Fetched => Presence::There,
            Outcome::NotFound => Presence::Missing,
            Outcome::Failed(reason) => Presence::Unknown(reason),
            Outcome::Unreachable(reason) => {
                silent().insert(host.to_owned(), reason.clone());
                Presence::Unknown(reason)
            }
        }
    }

    /// The outcome that fetching would have.
    fn ask(&self, address: &str) -> Outcome {
        let agent = match self.agents.of(address) {
            Ok(agent) => agent,
            Err(reason) => return Outcome::Failed(reason.clone()),
        };
        let mut last = Outcome::Failed("not tried".into());
        for attempt in 0..=RETRIES {
            thread::sleep(pause(attempt));
            let failed = match authorized(agent.head(public(address)), address).call() {
                Ok(answer) if answer.status().is_success() => return Outcome::Fetched,
                Ok(answer) => refused(&answer, address, &self.network),
                Err(error) => classify(self.network.trouble(address, &error, TIMEOUT)),
            };
            match failed {
                Failed::ForGood(outcome) | Failed::Unanswered(outcome) => return outcome,
                Failed::ForNow(outcome) => last = outcome,
                Failed::Busy { answer, .. } => last = Outcome::Failed(format!("the server answered {answer}")),
            }
        }
        last
    }
}

fn of_local(path: &Path) -> Presence {
    match fs::metadata(path) {
        Ok(file) if file.is_file() => Presence::There,
        Ok(_) => Presence::Missing,
        Err(error) if [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory].contains(&error.kind()) => Presence::Missing,
        Err(error) => Presence::Unknown(error.to_string()),
    }
}
