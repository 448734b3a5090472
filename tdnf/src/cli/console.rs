//! What the user reads and answers.

use std::fmt::Display;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use serde_json::{Value, json};

use super::args::Common;
use super::error::CliError;
use super::number;

/// Where answers go, and questions.
#[derive(Debug, Clone, Copy)]
pub struct Console {
    /// Whether answers are JSON.
    pub json: bool,
    /// Whether only answers are said.
    pub quiet: bool,
    /// Whether more is said.
    pub verbose: bool,
    /// What is answered for the user, if anything.
    pub answer: Option<bool>,
    width: usize,
}

/// The width of a table where nobody says.
const WIDTH: usize = 80;

impl Console {
    /// As the command line says.
    pub fn new(common: &Common) -> Self {
        let answer = if common.assume_no { Some(false) } else { common.assume_yes.then_some(true) };
        let width = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok()).filter(|width| *width >= 40);
        Self {
            json: common.json,
            quiet: common.quiet,
            verbose: common.verbose,
            answer,
            width: width.or_else(terminal_width).unwrap_or(WIDTH),
        }
    }

    /// The same, which answers for the user unless the command line did.
    pub fn assuming(self, answer: bool) -> Self {
        Self { answer: self.answer.or(Some(answer)), ..self }
    }

    /// A line of an answer. A closed pipe is not an error.
    pub fn line(&self, text: impl Display) {
        self.raw(plain(text));
    }

    /// What a program printed for the terminal, as it is.
    pub fn raw(&self, text: impl Display) {
        let _ = writeln!(io::stdout().lock(), "{text}");
    }

    /// A line next to the answer, for people.
    pub fn note(&self, text: impl Display) {
        if !self.json && !self.quiet {
            self.line(text);
        }
    }

    /// A line for people about what takes time; it is no part of the answer.
    pub fn aside(&self, text: impl Display) {
        if !self.json && !self.quiet {
            let _ = writeln!(io::stderr().lock(), "{}", plain(text));
        }
    }

    /// A line about what is not as it should be.
    pub fn warn(&self, text: impl Display) {
        let _ = writeln!(io::stderr().lock(), "warning: {}", plain(text));
    }

    /// Why a program failed, in its own words.
    pub fn fail_with(&self, text: impl Display) {
        let _ = writeln!(io::stderr().lock(), "error: {}", plain(text));
    }

    /// An answer in JSON.
    pub fn value(&self, value: &Value) {
        self.line(value);
    }

    /// Columns of so many hundredths of the width; the last is set to the right where `right`.
    pub fn columns(&self, cells: &[(&str, usize)], right: bool) {
        let mut line = String::new();
        for (number, (text, percent)) in cells.iter().enumerate() {
            let width = self.width * percent / 100;
            let last = number + 1 == cells.len();
            line.push_str(&if last && right { format!("{text:>width$}") } else { format!("{text:<width$}") });
            if !last {
                line.push(' ');
            }
        }
        self.line(line.trim_end());
    }

    /// Whether nothing is to be changed (`--assumeno`).
    pub fn refuses(&self) -> bool {
        self.answer == Some(false)
    }

    /// Asks for yes or no. Where nobody can answer, it is no.
    pub fn ask(&self, question: &str) -> bool {
        if let Some(answer) = self.answer {
            return answer;
        }
        if self.json {
            return false;
        }
        let _ = write!(io::stdout().lock(), "{question} [y/N]: ");
        let _ = io::stdout().flush();
        let mut line = String::new();
        let read = io::stdin().lock().read_line(&mut line);
        if !io::stdin().is_terminal() {
            self.line("");
        }
        read.is_ok() && matches!(line.trim().to_lowercase().as_str(), "y" | "yes")
    }

    /// Reports why a command failed, and returns its exit code.
    pub fn fail(&self, error: &CliError) -> u8 {
        let (error, answer) = error.parts();
        let number = number::of(error);
        if matches!(error, CliError::UpdatesAvailable) {
            return 100;
        }
        let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
        if self.json {
            let mut value = answer.cloned().unwrap_or_else(|| json!({}));
            if number != 0 {
                let text = causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"));
                value["Error"] = json!(number);
                value["ErrorMessage"] = json!(text);
            }
            if number != 0 || answer.is_some() {
                self.value(&value);
            }
            return number as u8;
        }
        let mut out = io::stderr().lock();
        let text = plain(error);
        let _ = if number == 0 { writeln!(out, "{text}") } else { writeln!(out, "Error({number}) : {text}") };
        for cause in causes {
            let _ = writeln!(out, "  cause: {}", plain(cause));
        }
        if let Some(hint) = error.hint() {
            let _ = writeln!(out, "hint: {}", plain(hint));
        }
        number as u8
    }
}

/// A text that a terminal only shows: what it would obey is replaced, but for ends of lines and tabs. Metadata and servers may say anything.
fn plain(text: impl Display) -> String {
    let harmless = |c: char| if c.is_control() && !matches!(c, '\n' | '\t') { char::REPLACEMENT_CHARACTER } else { c };
    text.to_string().replace("\r\n", "\n").chars().map(harmless).collect()
}

fn terminal_width() -> Option<usize> {
    nix::ioctl_read_bad!(window_size, nix::libc::TIOCGWINSZ, nix::libc::winsize);
    let mut size = nix::libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the kernel fills the structure it is given, whose size the request implies.
    let found = unsafe { window_size(1, &raw mut size) };
    found.ok().map(|_| usize::from(size.ws_col)).filter(|columns| *columns >= 40)
}

/// A size for people, with two digits: `1.50M`, as the reference shows it.
pub fn size(bytes: u64) -> String {
    const UNITS: [char; 5] = ['b', 'k', 'M', 'G', 'T'];
    let (mut value, mut unit) = (bytes as f64, 0);
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.2}{}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_are_told_nothing() {
        let table = [
            ("a\tb\nc é", "a\tb\nc é"),
            ("a\r\nb", "a\nb"),
            ("good\rbad\u{8}", "good\u{fffd}bad\u{fffd}"),
            ("\u{1b}]0;title\u{7}\u{9b}2J\u{7f}\0", "\u{fffd}]0;title\u{fffd}\u{fffd}2J\u{fffd}\u{fffd}"),
        ];
        for (text, expected) in table {
            assert_eq!(plain(text), expected, "{text:?}");
        }
    }

    #[test]
    fn sizes() {
        for (bytes, expected) in [(0, "0.00b"), (1023, "1023.00b"), (1536, "1.50k"), (95_787_418, "91.35M"), (u64::MAX, "16777216.00T")] {
            assert_eq!(size(bytes), expected);
        }
    }
}
