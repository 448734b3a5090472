//! The text of a failure.

use std::error::Error;
use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Failure, Problem};
use crate::address::{with_masked_passwords, without_passwords};

/// Whether the text may hold terminal colours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// No escape sequence at all.
    Plain,
    /// ANSI colours.
    Colour,
}

/// The whole text of a failure, ending with a newline: problems with their lines, or the chain of causes, then the hint.
pub fn render(failure: &dyn Failure, style: Style) -> String {
    let mut text = String::new();
    if let Some(problems) = failure.problems() {
        for problem in problems.iter() {
            text.push_str(&render_problem(problem, style));
            text.push('\n');
        }
        return text;
    }
    let (red, cyan, off) = match style {
        Style::Plain => ("", "", ""),
        Style::Colour => ("\x1b[1;31m", "\x1b[1;36m", "\x1b[0m"),
    };
    let _ = writeln!(text, "{red}error{off}: {failure}");
    let mut cause: Option<&dyn Error> = failure.source();
    while let Some(error) = cause {
        let _ = writeln!(text, "  cause: {error}");
        cause = error.source();
    }
    if let Some(hint) = failure.hint() {
        let _ = writeln!(text, "{cyan}hint{off}: {hint}");
    }
    without_passwords(&text).into_owned()
}

fn render_problem(problem: &Problem, style: Style) -> String {
    let length = problem.source.text.len();
    let span = problem.span.start.min(length)..problem.span.end.min(length);
    let shown = with_masked_passwords(&problem.source.text);
    let snippet = Snippet::source(shown).path(&problem.source.path).annotation(AnnotationKind::Primary.span(span));
    let mut groups = vec![Group::with_title(Level::ERROR.primary_title(&problem.message)).element(snippet)];
    if let Some(hint) = &problem.hint {
        groups.push(Group::with_title(Level::HELP.with_name("hint").secondary_title(hint)));
    }
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Colour => Renderer::styled(),
    };
    let mut text = renderer.render(&groups);
    text.push('\n');
    text
}
