//! What is at work, since when and in which phase, and how much is done: what all receivers of progress show, each in its way.

use std::collections::BTreeMap;
use std::time::Instant;

use indicatif::HumanBytes;
use serde::Serialize;

use runtime::progress::{Event, Outcome};

/// How many of the slowest packages are named at the end.
const SLOWEST: usize = 5;

/// The state of all units, from their events.
#[derive(Default)]
pub struct Activity {
    running: BTreeMap<String, (Instant, String)>,
    ended: usize,
    all: Option<usize>,
    slowest: Vec<(u64, String)>,
}

/// A unit at work.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Running {
    /// The unit.
    pub unit: String,
    /// Its phase, or how much of it is done; may be empty.
    pub phase: String,
    /// For how long, in milliseconds.
    pub elapsed_ms: u64,
}

impl Activity {
    /// Takes an event of the time `now`.
    pub fn take(&mut self, event: &Event, now: Instant) {
        match event {
            Event::Started { unit } => self.begin(unit, "", now),
            Event::Waiting { unit } => self.begin(unit, "waiting for another builder", now),
            Event::Phase { unit, phase } => self.change(unit, phase.clone()),
            Event::Amount { unit, done, total } => {
                let total = total.map(|total| format!(" of {}", HumanBytes(total))).unwrap_or_default();
                self.change(unit, format!("{}{total}", HumanBytes(*done)));
            }
            Event::Finished { unit, outcome, elapsed_ms } => {
                self.end(unit);
                if let (Outcome::Built, Some(package)) = (outcome, unit.strip_prefix("package ")) {
                    self.slowest.push((*elapsed_ms, package.to_owned()));
                    self.slowest.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
                    self.slowest.truncate(SLOWEST);
                }
            }
            Event::Failed { unit, .. } | Event::Skipped { unit, .. } => self.end(unit),
            Event::Planned { units, cached, .. } => {
                self.ended = 0;
                self.all = Some(units + cached);
                self.slowest.clear();
            }
            Event::Warning { .. } | Event::Note { .. } | Event::Ended { .. } => {}
        }
    }

    fn begin(&mut self, unit: &str, phase: &str, now: Instant) {
        self.running.insert(unit.to_owned(), (now, phase.to_owned()));
    }

    fn change(&mut self, unit: &str, to: String) {
        if let Some((_, phase)) = self.running.get_mut(unit) {
            *phase = to;
        }
    }

    fn end(&mut self, unit: &str) {
        self.running.remove(unit);
        self.ended += usize::from(unit.starts_with("package "));
    }

    /// How many packages have ended, and of how many, where a plan said so.
    pub fn position(&self) -> Option<(usize, usize)> {
        self.all.map(|all| (self.ended.min(all), all))
    }

    /// What is at work, longest first.
    pub fn running(&self, now: Instant) -> Vec<Running> {
        let elapsed_ms = |since: Instant| u64::try_from(now.saturating_duration_since(since).as_millis()).unwrap_or(u64::MAX);
        let mut running: Vec<Running> = self
            .running
            .iter()
            .map(|(unit, (since, phase))| Running { unit: unit.clone(), phase: phase.clone(), elapsed_ms: elapsed_ms(*since) })
            .collect();
        running.sort_by_key(|running| std::cmp::Reverse(running.elapsed_ms));
        running
    }

    /// The packages whose builds took longest, in milliseconds, longest first.
    pub fn slowest(&self) -> &[(u64, String)] {
        &self.slowest
    }
}
