//! The running units with their times and phases, and the overall progress, as shown by all receivers of progress.

use std::collections::BTreeMap;
use std::time::Instant;

use indicatif::HumanBytes;
use serde::Serialize;

use runtime::progress::{Event, Outcome};

/// How many of the slowest packages are listed at the end.
const SLOWEST: usize = 5;

/// The state of all units, from their events.
#[derive(Default)]
pub struct Activity {
    running: BTreeMap<String, (Instant, String)>,
    ended: usize,
    all: Option<usize>,
    slowest: Vec<(u64, String)>,
}

/// A running unit.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Running {
    /// The unit.
    pub unit: String,
    /// Its phase, or how much of it is done; may be empty.
    pub phase: String,
    /// How long it has been running, in milliseconds.
    pub elapsed_ms: u64,
}

impl Activity {
    /// Processes an event at the time `now`.
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

    /// How many packages have ended, and the total, if a plan was reported.
    pub fn position(&self) -> Option<(usize, usize)> {
        self.all.map(|all| (self.ended.min(all), all))
    }

    /// The running units, longest first.
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
