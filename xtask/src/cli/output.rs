//! Results on standard output, everything else on standard error.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;

use clap::ColorChoice;
use serde::Serialize;

use super::Global;
use super::report::{Bars, JsonLines, Lines};
use crate::diagnostic::{self, Failure, Style};
use crate::progress::Reporter;

/// How this run talks to its user.
#[derive(Debug, Clone)]
pub struct Output {
    json: bool,
    quiet: bool,
    style: Style,
    moving: bool,
}

impl Output {
    /// Decides by the options, `NO_COLOR` and whether standard error is a terminal.
    pub(super) fn new(global: &Global) -> Self {
        let terminal = io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let allowed = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let colour = match global.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => terminal && allowed,
        };
        let style = if colour { Style::Colour } else { Style::Plain };
        Self { json: global.json, quiet: global.quiet, style, moving: terminal && global.color != ColorChoice::Never }
    }

    /// Whether results are wanted as JSON.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Prints a result: text that ends with a newline.
    pub fn text(&self, text: &str) {
        // Whoever closed the pipe has read all they wanted.
        let _ = io::stdout().lock().write_all(text.as_bytes());
    }

    /// Prints a result as one line of JSON.
    pub fn document(&self, value: &impl Serialize) {
        if let Ok(text) = serde_json::to_string(value) {
            self.text(&format!("{text}\n"));
        }
    }

    /// Prints lines of a log, marked as such, beside the messages.
    pub fn quoted(&self, lines: &[String]) {
        if !self.json {
            let text: String = lines.iter().map(|line| format!("  | {line}\n")).collect();
            let _ = io::stderr().lock().write_all(text.as_bytes());
        }
    }

    /// Prints a failure.
    pub fn failure(&self, failure: &dyn Failure) {
        if self.json {
            let places: Vec<_> = failure.problems().map(|problems| problems.iter().map(place).collect()).unwrap_or_default();
            self.document(&serde_json::json!({
                "kind": "error", "message": failure.to_string(), "hint": failure.hint(), "exit": failure.exit() as u8, "problems": places,
            }));
            return;
        }
        let _ = io::stderr().lock().write_all(diagnostic::render(failure, self.style).as_bytes());
    }

    /// Where progress goes.
    pub(super) fn reporter(&self) -> Arc<dyn Reporter> {
        if self.json {
            Arc::new(JsonLines)
        } else if self.moving && !self.quiet {
            Arc::new(Bars::new())
        } else {
            Arc::new(Lines::new(self.quiet))
        }
    }
}

fn place(problem: &diagnostic::Problem) -> serde_json::Value {
    let (line, column) = problem.line_and_column();
    serde_json::json!({ "file": problem.source.path, "line": line, "column": column, "message": problem.message, "hint": problem.hint })
}
