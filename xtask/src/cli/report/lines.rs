//! Plain lines, for logs and pipes.

use std::io::{self, Write as _};

use super::duration;
use crate::progress::{Event, Outcome, Reporter};

/// Writes what begins and ends to standard error.
pub struct Lines {
    quiet: bool,
}

impl Lines {
    /// `quiet`: warnings only.
    pub fn new(quiet: bool) -> Self {
        Self { quiet }
    }
}

/// The line an event is worth, if any.
pub(super) fn line(event: &Event) -> Option<String> {
    match event {
        // There are many, and most are there at once: one line each is enough.
        Event::Started { unit } if unit.starts_with("source ") => None,
        Event::Started { unit } => Some(format!("{unit}: started")),
        Event::Waiting { unit } => Some(format!("{unit}: waiting for another builder")),
        Event::Finished { unit, outcome: Outcome::Built, elapsed_ms } => Some(format!("{unit}: done in {}", duration(*elapsed_ms))),
        Event::Finished { outcome: Outcome::Cached, .. } | Event::Phase { .. } | Event::Amount { .. } => None,
        Event::Failed { unit, message, .. } => Some(format!("{unit}: failed: {message}")),
        Event::Warning { message } => Some(format!("warning: {message}")),
        Event::Note { message } => Some(message.clone()),
        Event::Planned { units: 0, cached, .. } => Some(format!("nothing to build, {cached} cached")),
        Event::Planned { units, cached, estimate_ms } => {
            let estimate = estimate_ms.map(|ms| format!(", about {}", duration(ms))).unwrap_or_default();
            Some(format!("{units} to build, {cached} cached{estimate}"))
        }
    }
}

impl Reporter for Lines {
    fn event(&self, event: Event) {
        if self.quiet && !matches!(event, Event::Warning { .. } | Event::Note { .. }) {
            return;
        }
        if let Some(line) = line(&event) {
            let _ = writeln!(io::stderr().lock(), "{line}");
        }
    }
}
