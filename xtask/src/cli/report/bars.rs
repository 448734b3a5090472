//! Animated progress on a terminal: one line for the whole, one for each running unit.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::activity::Activity;
use super::lines::lines;
use base::diagnostic::{Style, visible_line};
use runtime::progress::{Event, Outcome, Reporter};

/// Draws on standard error. Only the last part of each line is truncated to the terminal's width, so that lines never wrap.
pub struct Bars {
    all: MultiProgress,
    style: Style,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    activity: Activity,
    whole: Option<(ProgressBar, String)>,
    units: BTreeMap<String, ProgressBar>,
}

/// The interval of redrawing.
const TICK: Duration = Duration::from_millis(500);

impl Bars {
    /// Nothing is drawn before the first event.
    pub fn new(style: Style) -> Self {
        Self { all: MultiProgress::new(), style, state: Mutex::default() }
    }

    fn begin(&self, state: &mut State, unit: &str) {
        let bar = self.all.add(line("  {elapsed:>4} {wide_msg}"));
        bar.set_message(visible_line(unit).into_owned());
        if let Some(before) = state.units.insert(unit.to_owned(), bar) {
            before.finish_and_clear();
        }
    }

    fn plan(&self, state: &mut State, estimate_ms: Option<u64>) {
        let about = estimate_ms.map(|ms| format!(", about {} in all", super::duration(ms))).unwrap_or_default();
        let bar = self.all.insert(0, line("{elapsed:>6} {wide_msg}"));
        if let Some((before, _)) = state.whole.replace((bar, about)) {
            before.finish_and_clear();
        }
    }
}

fn line(template: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    // It would panic if the host allows no further thread.
    if thread::Builder::new().spawn(|| ()).is_ok() {
        bar.enable_steady_tick(TICK);
    }
    bar
}

impl State {
    /// Shows the unit with its phase, or its progress.
    fn show(&self, unit: &str, now: Instant) {
        let running = self.activity.running(now).into_iter().find(|running| running.unit == unit);
        if let (Some(bar), Some(running)) = (self.units.get(unit), running) {
            bar.set_message(visible_line(&format!("{unit} {}", running.phase)).into_owned());
        }
    }

    fn show_whole(&self) {
        if let (Some((bar, about)), Some((ended, all))) = (&self.whole, self.activity.position()) {
            bar.set_message(format!("{ended}/{all}{about}"));
        }
    }

    fn end(&mut self, unit: &str) {
        if let Some(bar) = self.units.remove(unit) {
            bar.finish_and_clear();
        }
    }
}

impl Reporter for Bars {
    fn event(&self, event: Event) {
        let now = Instant::now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.activity.take(&event, now);
        match &event {
            Event::Started { unit } => self.begin(&mut state, unit),
            Event::Waiting { unit } => {
                self.begin(&mut state, unit);
                state.show(unit, now);
            }
            Event::Phase { unit, .. } | Event::Amount { unit, .. } => state.show(unit, now),
            Event::Finished { unit, .. } | Event::Failed { unit, .. } | Event::Skipped { unit, .. } => state.end(unit),
            Event::Planned { estimate_ms, .. } => self.plan(&mut state, *estimate_ms),
            Event::Ended { .. } => {
                if let Some((bar, _)) = state.whole.take() {
                    bar.finish_and_clear();
                }
            }
            Event::Warning { .. } | Event::Note { .. } => {}
        }
        state.show_whole();
        // These events are shown by the bars, or not needed.
        let is_shown = matches!(event, Event::Started { .. } | Event::Waiting { .. } | Event::Finished { outcome: Outcome::Cached, .. });
        if let Some(text) = lines(&event, &state.activity, self.style, None).filter(|_| !is_shown) {
            // Drawn above the bars; an error means that the terminal was closed.
            let _ = self.all.println(text.trim_end_matches('\n'));
        }
    }
}
