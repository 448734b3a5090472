//! Progress as lines.

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::apply::Observer;
use crate::kickstart::LogLevel;

/// Tells progress in lines.
pub(super) struct Lines {
    level: LogLevel,
    /// The tenth of the running step that was told last.
    shown: AtomicU64,
}

impl Lines {
    /// Tells as much as this.
    pub fn new(level: LogLevel) -> Self {
        Self { level, shown: AtomicU64::new(0) }
    }
}

impl Observer for Lines {
    fn begins(&self, number: usize, of: usize, what: &str) {
        self.shown.store(0, Ordering::Relaxed);
        if self.level >= LogLevel::Info {
            let _ = writeln!(io::stdout().lock(), "[{number:>2}/{of}] {what}");
        }
    }

    fn progress(&self, done: u64, of: u64) {
        let tenth = (done * 10).checked_div(of).unwrap_or(0).min(10);
        if self.level >= LogLevel::Info && self.shown.fetch_max(tenth, Ordering::Relaxed) < tenth {
            let _ = writeln!(io::stdout().lock(), "        {} %", tenth * 10);
        }
    }

    fn says(&self, text: &str) {
        if self.level >= LogLevel::Debug && !text.is_empty() {
            let _ = writeln!(io::stdout().lock(), "        {}", text.replace('\n', "\n        "));
        }
    }
}
