//! How downloads go, on a terminal in one line, elsewhere a line for each file.

use std::collections::HashMap;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::console::{Console, size};
use crate::download::Event;

/// Shows downloads.
pub struct Downloads {
    console: Console,
    terminal: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    files: HashMap<String, (u64, Option<u64>)>,
    finished: usize,
    drawn: Option<Instant>,
    begun: Option<Instant>,
    before: u64,
}

/// The line is drawn no more often.
const EVERY: Duration = Duration::from_millis(100);

impl Downloads {
    /// Shows downloads on `console`, unless it is to be quiet.
    pub fn new(console: Console) -> Self {
        Self { console, terminal: io::stderr().is_terminal(), state: Mutex::default() }
    }

    /// Hears of an event.
    pub fn hear(&self, event: Event<'_>) {
        if let Event::Failed { label, error } = event {
            if self.console.verbose {
                self.clear();
                self.console.warn(format!("{label}: {error}"));
            }
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        match event {
            Event::Started { label, total, done } => {
                state.begun.get_or_insert_with(Instant::now);
                state.before += done;
                state.files.insert(label.to_owned(), (done, total));
            }
            Event::Advanced { label, done } => {
                if let Some(file) = state.files.get_mut(label) {
                    file.0 = done;
                }
            }
            Event::Finished { label } => {
                state.finished += 1;
                if !self.terminal && self.console.verbose {
                    let (done, _) = state.files.get(label).copied().unwrap_or_default();
                    self.console.note(format!("{label} {}", size(done)));
                }
            }
            Event::Failed { .. } => {}
        }
        if self.terminal && !self.console.quiet && !self.console.json {
            self.draw(&mut state);
        }
    }

    fn draw(&self, state: &mut State) {
        if state.drawn.is_some_and(|drawn| drawn.elapsed() < EVERY) && state.finished < state.files.len() {
            return;
        }
        state.drawn = Some(Instant::now());
        let done: u64 = state.files.values().map(|(done, _)| done).sum();
        let total: u64 = state.files.values().map(|(done, total)| total.unwrap_or(*done)).sum();
        let seconds = state.begun.map_or(0.0, |begun| begun.elapsed().as_secs_f64()).max(0.001);
        let rate = done.saturating_sub(state.before) as f64 / seconds;
        let percent = done.saturating_mul(100).checked_div(total).unwrap_or(0);
        let line = format!(
            "{}/{} files  {} of {}  {percent}%  {}/s",
            state.finished,
            state.files.len(),
            size(done),
            size(total),
            size(rate as u64)
        );
        let _ = write!(io::stderr().lock(), "\r\x1b[K{line}");
    }

    /// Takes the line away.
    pub fn clear(&self) {
        if self.terminal && !self.console.quiet && !self.console.json {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }
}
