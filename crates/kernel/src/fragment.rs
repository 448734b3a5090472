//! Fragments: options in groups, each group with its reason.
//!
//! ```text
//! # What the whole file is about.
//!
//! # Why the options of this group are set so.
//! CONFIG_A=y
//! CONFIG_B=m
//! ```
//!
//! A group is one or more comment lines directly above its options and ends at the next empty line. An option without a reason, an
//! option set twice, and Kconfig's own `# CONFIG_A is not set` (write `CONFIG_A=n`) are errors.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::symbol::{Symbol, Value};
use base::diagnostic::{Problem, SourceText};

/// A checked fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// The file's name without `.config`.
    pub name: String,
    /// The text it was read from.
    pub source: Arc<SourceText>,
    /// Its options, in the order written.
    pub settings: Vec<Setting>,
}

/// One option of a fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The option.
    pub symbol: Symbol,
    /// What it is set to.
    pub value: Value,
    /// The comment above its group, its lines joined.
    pub reason: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The position of the assignment.
    pub span: Range<usize>,
}

/// Reads a fragment.
///
/// # Errors
/// Every problem in it.
pub fn parse(name: &str, source: SourceText) -> Result<Fragment, Vec<Problem>> {
    let source = Arc::new(source);
    let mut reader = Reader { source: &source, settings: Vec::new(), seen: BTreeMap::new(), problems: Vec::new() };
    let mut reason = Vec::new();
    let mut open = false;
    let mut start = 0;
    for (at, line) in source.text.split_inclusive('\n').enumerate() {
        let place = Line { number: at + 1, text: line.trim_end(), start };
        start += line.len();
        if place.text.is_empty() {
            reason.clear();
            open = false;
        } else if let Some(comment) = place.text.strip_prefix('#') {
            if open {
                reason.clear();
                open = false;
            }
            reader.comment(&place, comment.trim(), &mut reason);
        } else {
            open = true;
            reader.setting(&place, &reason.join(" "));
        }
    }
    let Reader { settings, problems, .. } = reader;
    if problems.is_empty() { Ok(Fragment { name: name.to_owned(), source, settings }) } else { Err(problems) }
}

struct Line<'a> {
    number: usize,
    text: &'a str,
    start: usize,
}

impl Line<'_> {
    fn span(&self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }
}

struct Reader<'a> {
    source: &'a Arc<SourceText>,
    settings: Vec<Setting>,
    seen: BTreeMap<Symbol, usize>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn comment<'t>(&mut self, line: &Line<'_>, text: &'t str, reason: &mut Vec<&'t str>) {
        if let Some(symbol) = text.strip_suffix(" is not set").filter(|symbol| symbol.starts_with("CONFIG_")) {
            let problem = Problem::new(self.source, line.span(), "a comment does not switch an option off here");
            self.problems.push(problem.hint(format!("write `{symbol}=n`")));
        } else if !text.is_empty() {
            reason.push(text);
        }
    }

    fn setting(&mut self, line: &Line<'_>, reason: &str) {
        let Some((name, value)) = line.text.split_once('=') else {
            let problem = Problem::new(self.source, line.span(), "neither an option nor a comment");
            self.problems.push(problem.hint("write `CONFIG_NAME=value`, or begin the line with `#`"));
            return;
        };
        let symbol = match name.parse::<Symbol>() {
            Ok(symbol) if name.starts_with("CONFIG_") => symbol,
            Ok(_) => return self.report(line.start..line.start + name.len(), format!("`{name}` lacks `CONFIG_`"), meant(name, value)),
            Err(error) => return self.report(line.start..line.start + name.len(), error.to_string(), meant(name, value)),
        };
        let value = match value.parse::<Value>() {
            Ok(value) => value,
            Err(error) => return self.report(line.start + name.len() + 1..line.span().end, error.to_string(), meant(name, value)),
        };
        if reason.is_empty() {
            let problem = Problem::new(self.source, line.span(), format!("{symbol} has no reason"));
            self.problems.push(problem.hint("give the reason in a comment directly above it or above its group"));
        }
        if let Some(first) = self.seen.insert(symbol.clone(), line.number) {
            let problem = Problem::new(self.source, line.span(), format!("{symbol} is already set in line {first}"));
            self.problems.push(problem.hint("keep one of the two; a later fragment may override an earlier one, a line may not"));
        }
        self.settings.push(Setting { symbol, value, reason: reason.to_owned(), line: line.number, span: line.span() });
    }

    fn report(&mut self, span: Range<usize>, message: String, hint: Option<String>) {
        let problem = Problem::new(self.source, span, message);
        self.problems.push(hint.into_iter().fold(problem, Problem::hint));
    }
}

/// What a wrong line probably meant, if that can be inferred: other words for the three states, a missing `CONFIG_`, spaces around `=`, a
/// comment after the value.
fn meant(name: &str, value: &str) -> Option<String> {
    let symbol: Symbol = name.trim().parse().ok()?;
    let value = value.trim();
    if let Some(meant) = value_meant(value) {
        return Some(format!("write `{symbol}={meant}`"));
    }
    let meant = value.match_indices('#').find_map(|(at, _)| value_meant(value[..at].trim_end()))?;
    Some(format!("write `{symbol}={meant}`; a comment has a line of its own, above the option"))
}

/// The value that a text means, here or in other formats.
fn value_meant(text: &str) -> Option<Value> {
    match text.to_ascii_lowercase().as_str() {
        "y" | "yes" | "on" | "true" => Some(Value::Yes),
        "m" | "mod" | "module" => Some(Value::Module),
        "n" | "no" | "off" | "false" => Some(Value::No),
        _ => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_contains_what_was_meant() {
        let of_its_own = "; a comment has a line of its own, above the option";
        for (line, expected) in [
            ("CONFIG_VETH=yes", Some("write `CONFIG_VETH=y`".to_owned())),
            ("CONFIG_VETH=Y", Some("write `CONFIG_VETH=y`".to_owned())),
            ("CONFIG_VETH=off", Some("write `CONFIG_VETH=n`".to_owned())),
            ("VETH=y", Some("write `CONFIG_VETH=y`".to_owned())),
            ("CONFIG_VETH = m", Some("write `CONFIG_VETH=m`".to_owned())),
            ("CONFIG_VETH=y # pairs", Some(format!("write `CONFIG_VETH=y`{of_its_own}"))),
            ("CONFIG_NAME=\"a # b\"  # c", Some(format!("write `CONFIG_NAME=\"a # b\"`{of_its_own}"))),
            ("CONFIG_VETH=perhaps", None),
            ("CONFIG-VETH=y", None),
        ] {
            let source = SourceText { path: "x.config".into(), text: format!("# Why.\n{line}\n") };
            let problems = parse("x", source).unwrap_err();
            assert_eq!(problems.iter().map(|problem| problem.hint.clone()).collect::<Vec<_>>(), [expected], "{line}");
        }
    }

    fn read(text: &str) -> Result<Fragment, Vec<(usize, String)>> {
        let source = SourceText { path: "x.config".into(), text: text.into() };
        parse("x", source).map_err(|all| all.iter().map(|problem| (problem.line_and_column().0, problem.message.clone())).collect())
    }

    #[test]
    fn groups_share_the_comment_above_them() {
        let fragment =
            read("# File.\n\n# First\n# reason.\nCONFIG_A=y\nCONFIG_B=\"x # y\"\n\n# Second.\nCONFIG_C=n\n# Third.\nCONFIG_D=7\n").unwrap();
        let found: Vec<_> =
            fragment.settings.iter().map(|set| (set.symbol.name(), set.value.to_string(), &*set.reason, set.line)).collect();
        assert_eq!(
            found,
            [
                ("A", "y".into(), "First reason.", 5),
                ("B", "\"x # y\"".into(), "First reason.", 6),
                ("C", "n".into(), "Second.", 9),
                ("D", "7".into(), "Third.", 11),
            ]
        );
        let set = &fragment.settings[1];
        assert_eq!(&fragment.source.text[set.span.clone()], "CONFIG_B=\"x # y\"");
    }

    #[test]
    fn every_mistake_is_reported_at_its_line() {
        let found = read("# File.\n\nCONFIG_A=y\n\n# Why.\nCONFIG_A=n\nCONFIG_B=yes\nFOO=y\nstray\n# CONFIG_C is not set\n").unwrap_err();
        assert_eq!(
            found,
            [
                (3, "CONFIG_A has no reason".into()),
                (6, "CONFIG_A is already set in line 3".into()),
                (7, "`yes` is not a value: write `y`, `m`, `n`, a number, or a string in double quotes".into()),
                (8, "`FOO` lacks `CONFIG_`".into()),
                (9, "neither an option nor a comment".into()),
                (10, "a comment does not switch an option off here".into()),
            ]
        );
    }
}
