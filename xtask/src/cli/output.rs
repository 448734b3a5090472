//! Results on standard output, everything else on standard error.

use std::env;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};
use std::sync::Arc;

use clap::ColorChoice;
use serde::Serialize;

use super::Global;
use super::report::{Bars, JsonLines, Lines};
use super::stream::{Content, Stream};
use super::table::{Cell, table};
use base::address::without_passwords;
use base::diagnostic::{self, ExitCode, Explanation, Failure, Style, must_be_escaped, visible, visible_line};
use planning::bump::DiffLine;
use runtime::cancel::Cancel;
use runtime::progress::Reporter;

/// The output of this run.
pub struct Output {
    json: bool,
    quiet: bool,
    style: Style,
    results_style: Style,
    moving: bool,
    shows_results: bool,
    results: Arc<Stream>,
    messages: Arc<Stream>,
    cancel: Cancel,
}

impl Output {
    /// Decides by options, environment, and whether the standard streams are terminals. `cancel` is raised when a stream can no longer be
    /// written.
    pub(super) fn new(global: &Global, cancel: Cancel) -> Self {
        let terminal = io::stderr().is_terminal() && has_colours();
        let style = |terminal| {
            let colour = match global.color {
                ColorChoice::Always => true,
                ColorChoice::Never => false,
                ColorChoice::Auto => wants_colour(terminal, |name| env::var(name).ok()),
            };
            if colour { Style::Colour } else { Style::Plain }
        };
        Self {
            json: global.json,
            quiet: global.quiet,
            style: style(terminal),
            results_style: style(io::stdout().is_terminal() && has_colours()),
            moving: terminal && global.color != ColorChoice::Never,
            shows_results: io::stdout().is_terminal(),
            results: Arc::new(Stream::new(Content::Results, io::stdout(), &cancel)),
            messages: Arc::new(Stream::new(Content::Messages, io::stderr(), &cancel)),
            cancel,
        }
    }

    /// Whether results are printed as JSON.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Raised by Ctrl-C, and when the output is closed.
    pub(super) fn cancel(&self) -> Cancel {
        self.cancel.clone()
    }

    /// Prints a result: text that ends with a newline. On a terminal its control characters are shown as escapes.
    pub fn text(&self, text: &str) {
        if self.shows_results {
            self.results.write(visible(text).as_bytes());
        } else {
            self.results.write(text.as_bytes());
        }
    }

    /// Prints a file as a result: unchanged, except on a terminal, where control characters are escaped as by [`Output::text`].
    pub fn file(&self, bytes: &[u8]) {
        if self.shows_results {
            self.text(&String::from_utf8_lossy(bytes));
        } else {
            self.results.write(bytes);
        }
    }

    /// Prints a difference as a result, in the colours that git uses.
    pub fn difference(&self, lines: &[DiffLine]) {
        let mut text = String::new();
        for line in lines {
            let colour = match (self.results_style, line) {
                (Style::Plain, _) | (_, DiffLine::Same(_)) => "",
                (Style::Colour, DiffLine::Header(_)) => "\x1b[36m",
                (Style::Colour, DiffLine::Old(_)) => "\x1b[31m",
                (Style::Colour, DiffLine::New(_)) => "\x1b[32m",
            };
            let off = if colour.is_empty() { "" } else { "\x1b[0m" };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{colour}{}{off}", visible_line(&line.text()));
        }
        self.results.write(text.as_bytes());
    }

    /// Prints a table as a result.
    pub fn table(&self, rows: &[Vec<Cell>]) {
        self.results.write(table(rows, self.results_style).as_bytes());
    }

    /// Prints a result as one line of JSON.
    pub fn document(&self, value: &impl Serialize) {
        if let Some(line) = json_line(value) {
            self.results.write(line.as_bytes());
        }
    }

    /// Prints information that is not a result, as lines that end with a newline.
    pub fn message(&self, text: &str) {
        if !self.json && !self.quiet {
            self.messages.write(visible(text).as_bytes());
        }
    }

    /// Prints a failure.
    pub fn failure(&self, failure: &dyn Failure) {
        if !self.json {
            self.messages.write(diagnostic::render(failure, self.style).as_bytes());
            return;
        }
        let Explanation { message, causes, last_lines, hint } = Explanation::of(failure);
        let places: Vec<_> = failure.problems().map(|problems| problems.iter().map(place).collect()).unwrap_or_default();
        self.document(&serde_json::json!({
            "kind": "error", "message": message, "causes": causes, "last-lines": last_lines, "hint": hint,
            "exit": failure.exit() as u8, "problems": places,
        }));
    }

    /// The exit code of a command that ended with `code`: it is not a success if results could not be written.
    pub(super) fn finish(&self, code: ExitCode) -> ExitCode {
        let Some(failure) = self.results.failure() else { return code };
        self.messages.write(diagnostic::render(&failure, self.style).as_bytes());
        match code {
            // The failed write itself raised `cancel`.
            ExitCode::Done | ExitCode::Interrupted => ExitCode::Failed,
            ExitCode::Failed | ExitCode::Usage | ExitCode::Description | ExitCode::Host => code,
        }
    }

    /// The receiver of progress.
    pub(super) fn reporter(&self) -> Arc<dyn Reporter> {
        if self.json {
            JsonLines::new(Arc::clone(&self.results))
        } else if self.moving && !self.quiet {
            Arc::new(Bars::new(self.style))
        } else {
            Lines::new(Arc::clone(&self.messages), self.quiet, self.style)
        }
    }
}

/// Whether to use colours by default: <https://no-color.org>, <https://bixense.com/clicolors>.
fn wants_colour(terminal: bool, variable: impl Fn(&str) -> Option<String>) -> bool {
    let is_set = |name| variable(name).is_some_and(|value| !value.is_empty());
    if is_set("NO_COLOR") {
        return false;
    }
    if is_set("CLICOLOR_FORCE") && variable("CLICOLOR_FORCE").as_deref() != Some("0") {
        return true;
    }
    terminal && variable("CLICOLOR").as_deref() != Some("0")
}

/// A value as JSON on one line, without passwords of addresses. Control characters that a terminal would interpret are escaped as in JSON,
/// which does not change values.
pub(super) fn json_line(value: &impl Serialize) -> Option<String> {
    let json = serde_json::to_string(value).ok()?;
    let json = without_passwords(&json);
    let mut line = String::with_capacity(json.len() + 1);
    for letter in json.chars() {
        if must_be_escaped(letter) {
            // Writing to a string cannot fail.
            let _ = write!(line, "\\u{:04x}", u32::from(letter));
        } else {
            line.push(letter);
        }
    }
    line.push('\n');
    Some(line)
}

fn place(problem: &diagnostic::Problem) -> serde_json::Value {
    let (line, column) = problem.line_and_column();
    serde_json::json!({ "file": problem.source.path, "line": line, "column": column, "message": problem.message, "hint": problem.hint })
}

/// The text of help or of the version, with colours if they are wanted.
pub(super) fn help(text: &clap::Error) -> String {
    let terminal = io::stdout().is_terminal() && has_colours();
    let text = text.render();
    if wants_colour(terminal, |name| env::var(name).ok()) { text.ansi().to_string() } else { text.to_string() }
}

/// Whether the terminal supports escape sequences.
fn has_colours() -> bool {
    env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// An error of the command line in the format of `--json`.
pub(super) fn usage_error(error: &clap::Error) -> Option<String> {
    let text = error.to_string();
    let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    json_line(&serde_json::json!({
        "kind": "error", "message": visible_line(message), "causes": [], "last-lines": [], "hint": "`--help` lists the accepted arguments",
        "exit": ExitCode::Usage as u8, "problems": [],
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_follow_the_environment() {
        for (terminal, variables, wanted) in [
            (true, &[][..], true),
            (false, &[], false),
            (true, &[("NO_COLOR", "1")], false),
            (true, &[("NO_COLOR", "")], true),
            (false, &[("CLICOLOR_FORCE", "1")], true),
            (false, &[("CLICOLOR_FORCE", "0")], false),
            (true, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
            (true, &[("CLICOLOR", "0")], false),
        ] {
            let variable = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
            assert_eq!(wants_colour(terminal, variable), wanted, "{variables:?}");
        }
    }

    #[test]
    fn json_is_safe_on_a_terminal_and_keeps_its_value() {
        let value = serde_json::json!({ "name": "\u{1b}[2J\u{9b}\u{202e}\u{7f}ü\t\n" });
        let line = json_line(&value).unwrap();
        assert!(!line.contains(must_be_escaped), "{line:?}");
        assert_eq!(line.matches('\n').count(), 1);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&line).unwrap(), value);
    }

    #[test]
    fn json_has_no_passwords() {
        let line = json_line(&["\"https://user:s3cret@host/\"", "https://host/a@b"]).unwrap();
        let values: Vec<String> = serde_json::from_str(&line).unwrap();
        assert_eq!(values, ["\"https://***@host/\"", "https://host/a@b"]);
    }
}
