//! Progress as lines, or as a picture.

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::apply::Observer;
use kickstart::LogLevel;

/// Tells progress in lines.
pub(super) struct Lines {
    level: LogLevel,
    /// The tenth of the running step that was reported last.
    shown: AtomicU64,
    /// Whether the parts of a step are shown as a bar that grows.
    picture: bool,
}

impl Lines {
    /// Tells as much as this.
    pub fn new(level: LogLevel, picture: bool) -> Self {
        Self { level, shown: AtomicU64::new(0), picture }
    }
}

impl Observer for Lines {
    fn begins(&self, number: usize, of: usize, what: &str) {
        self.shown.store(0, Ordering::Relaxed);
        if self.level >= LogLevel::Info {
            // What comes before the plan has no number.
            let number = if of == 0 { String::new() } else { format!("[{number:>2}/{of}] ") };
            let _ = writeln!(io::stdout().lock(), "{number}{what}");
        }
    }

    fn progress(&self, done: u64, of: u64) {
        let tenth = (done * 10).checked_div(of).unwrap_or(0).min(10);
        if self.level < LogLevel::Info || self.shown.fetch_max(tenth, Ordering::Relaxed) >= tenth {
            return;
        }
        let mut out = io::stdout().lock();
        let _ =
            if self.picture { write!(out, "{}", bar(tenth)).and_then(|()| out.flush()) } else { writeln!(out, "        {} %", tenth * 10) };
    }

    fn says(&self, text: &str) {
        if self.level >= LogLevel::Debug && !text.is_empty() {
            let _ = writeln!(io::stdout().lock(), "        {}", text.replace('\n', "\n        "));
        }
    }
}

/// So many tenths, in place of what the line showed before.
fn bar(tenth: u64) -> String {
    let full = usize::try_from(tenth).unwrap_or(10).min(10);
    let end = if full == 10 { "\n" } else { "" };
    format!("\r        [{}{}] {:>3} %{end}", "##".repeat(full), "  ".repeat(10 - full), full * 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_grows_on_one_line() {
        assert_eq!(bar(3), "\r        [######              ]  30 %");
        assert_eq!(bar(10), "\r        [####################] 100 %\n");
    }
}
