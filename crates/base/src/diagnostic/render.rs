//! The text of a failure.

use std::borrow::Cow;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Explanation, Failure, Problem, must_be_escaped, visible, visible_line};
use crate::address::with_masked_passwords;

/// Whether the text may contain terminal colours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// No escape sequence at all.
    Plain,
    /// ANSI colours.
    Colour,
}

/// The whole text of a failure, ending with a newline: problems with their lines, or the chain of causes, then the hint.
pub fn render(failure: &dyn Failure, style: Style) -> String {
    if let Some(problems) = failure.problems() {
        let mut text = String::new();
        for problem in problems.iter() {
            text.push_str(&render_problem(problem, style));
            text.push('\n');
        }
        return text;
    }
    Explanation::of(failure).render(style)
}

fn render_problem(problem: &Problem, style: Style) -> String {
    let length = problem.source.text.len();
    let span = problem.span.start.min(length)..problem.span.end.min(length);
    let (path, message) = (visible_line(&problem.source.path), visible(&problem.message));
    let masked = with_masked_passwords(&problem.source.text);
    let lines = replace_controls(&masked);
    let snippet = Snippet::source(lines).path(path).annotation(AnnotationKind::Primary.span(span));
    let mut groups = vec![Group::with_title(Level::ERROR.primary_title(message)).element(snippet)];
    if let Some(hint) = problem.hint.as_deref().map(visible) {
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

/// The text with the control characters that the renderer would print (it shows those of ASCII as pictures) replaced by a character of
/// the same length, since spans count bytes.
fn replace_controls(text: &str) -> Cow<'_, str> {
    let is_printed = |letter: char| must_be_escaped(letter) && !letter.is_ascii();
    if !text.contains(is_printed) {
        return Cow::Borrowed(text);
    }
    let replacement = |letter: char| if letter.len_utf8() == 2 { '\u{bf}' } else { char::REPLACEMENT_CHARACTER };
    text.chars().map(|letter| if is_printed(letter) { replacement(letter) } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::diagnostic::{Problems, SourceText};

    #[test]
    fn control_characters_of_files_are_replaced() {
        let text = "summary = \"\x1b[2J\u{9b}0K\u{202e}\x07\r\"\n".to_owned();
        let source = Arc::new(SourceText { path: "specs/\x1b[2Ja\n/package.toml".into(), text });
        let problem = Problem::new(&source, 0..7, "unknown key `\x1b]0;x\x07`").hint("did you mean `\u{202e}`?");
        let shown = render(&Problems::new(vec![problem]), Style::Plain);
        assert!(!shown.contains(must_be_escaped), "{shown:?}");
        assert!(shown.contains("1 | summary = \"␛[2J¿0K"), "{shown}");
        assert!(shown.contains("--> specs/\\x1b[2Ja\\n/package.toml:1:1"), "{shown}");
    }
}
