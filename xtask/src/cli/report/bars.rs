//! Moving progress on a terminal: one line for the whole, one for each unit at work.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{HumanBytes, MultiProgress, ProgressBar, ProgressStyle};

use super::lines::line;
use crate::progress::{Event, Outcome, Reporter};

/// Draws bars on standard error.
pub struct Bars {
    all: MultiProgress,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    whole: Option<ProgressBar>,
    units: BTreeMap<String, ProgressBar>,
}

impl Bars {
    /// Nothing is drawn before the first event.
    pub fn new() -> Self {
        Self { all: MultiProgress::new(), state: Mutex::default() }
    }

    fn begin(&self, state: &mut State, unit: &str) {
        let bar = self.all.add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("  {elapsed:>4} {prefix} {wide_msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(unit.to_owned());
        bar.enable_steady_tick(Duration::from_millis(500));
        if let Some(before) = state.units.insert(unit.to_owned(), bar) {
            before.finish_and_clear();
        }
    }

    fn plan(&self, state: &mut State, units: usize, estimate_ms: Option<u64>) {
        let bar = self.all.insert(0, ProgressBar::new(units as u64));
        if let Ok(style) = ProgressStyle::with_template("{elapsed:>6} [{bar:30}] {pos}/{len} {msg}") {
            bar.set_style(style);
        }
        if let Some(estimate_ms) = estimate_ms {
            bar.set_message(format!("of about {}", super::duration(estimate_ms)));
        }
        bar.enable_steady_tick(Duration::from_millis(500));
        state.whole = Some(bar);
    }

    fn end(&self, state: &mut State, unit: &str) {
        if let Some(bar) = state.units.remove(unit) {
            bar.finish_and_clear();
        }
        if let Some(whole) = state.whole.as_ref().filter(|_| unit.starts_with("package ")) {
            whole.inc(1);
        }
    }
}

impl Reporter for Bars {
    fn event(&self, event: Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &event {
            Event::Started { unit } => self.begin(&mut state, unit),
            Event::Waiting { unit } => {
                self.begin(&mut state, unit);
                if let Some(bar) = state.units.get(unit) {
                    bar.set_message("waiting for another builder");
                }
                return;
            }
            Event::Phase { unit, phase } => {
                if let Some(bar) = state.units.get(unit) {
                    bar.set_message(phase.clone());
                }
                return;
            }
            Event::Amount { unit, done, total } => {
                if let Some(bar) = state.units.get(unit) {
                    let total = total.map(|total| format!(" of {}", HumanBytes(total))).unwrap_or_default();
                    bar.set_message(format!("{}{total}", HumanBytes(*done)));
                }
                return;
            }
            Event::Finished { unit, .. } | Event::Failed { unit, .. } => self.end(&mut state, unit),
            Event::Planned { units, estimate_ms, .. } => self.plan(&mut state, *units, *estimate_ms),
            Event::Warning { .. } | Event::Note { .. } => {}
        }
        let worth_keeping = !matches!(event, Event::Started { .. } | Event::Finished { outcome: Outcome::Cached, .. });
        if let Some(line) = line(&event).filter(|_| worth_keeping) {
            // Drawn above the bars; an error means the terminal is gone.
            let _ = self.all.println(line);
        }
    }
}
