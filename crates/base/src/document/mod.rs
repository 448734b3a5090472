//! Strict reading of the project's TOML files: all problems are reported at once, with their positions.
//!
//! A [`Document`] is parsed into a tree with spans. A [`Table`] returns typed values, records which keys were requested, and reports all
//! others when it is finished. Reading continues after a problem.

mod place;
mod table;

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Problem, SourceText};

pub use place::place;
pub use table::{Entry, Table};

/// A value and its position in the file, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Its byte range.
    pub span: Range<usize>,
}

/// One TOML file being read.
pub struct Document {
    source: Arc<SourceText>,
    problems: RefCell<Vec<Problem>>,
}

impl Document {
    /// A file's path, as shown to the user, and its text.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { source: Arc::new(SourceText::new(path, text)), problems: RefCell::default() }
    }

    /// The file, for problems found later.
    pub fn source(&self) -> &Arc<SourceText> {
        &self.source
    }

    /// Reads the file with `read`, which gets the top-level table.
    ///
    /// # Errors
    /// All problems: those of TOML's syntax if there are any, else those that `read` reported.
    pub fn read<T>(self, read: impl FnOnce(&Table<'_>) -> T) -> Result<T, Vec<Problem>> {
        let source = Arc::clone(&self.source);
        // CRLF line ends were converted, so a carriage return here is a lone one. TOML forbids it everywhere, and the parser misreads some
        // of them.
        if let Some(at) = source.text.find('\r') {
            let hint = "end lines with LF or CRLF; write `\\r` in a basic string where a carriage return is meant";
            return Err(vec![Problem::new(&source, at..at + 1, "a carriage return without a line feed after it").hint(hint)]);
        }
        let (tree, errors) = DeTable::parse_recoverable(&source.text);
        if !errors.is_empty() {
            let end = source.text.len();
            let problem = |error: toml::de::Error| Problem::new(&source, error.span().unwrap_or(end..end), error.message());
            return Err(errors.into_iter().map(problem).collect());
        }
        let top = Table::new(&self, tree.get_ref(), 0..0, String::new());
        let value = read(&top);
        top.finish();
        drop(top);
        let problems = self.problems.into_inner();
        if problems.is_empty() { Ok(value) } else { Err(problems) }
    }

    /// Reads the file with `read`, which returns `None` if it reported a problem.
    ///
    /// # Errors
    /// All problems, at least one: a file that yields no value must not be dropped silently.
    pub fn read_whole<T>(self, read: impl FnOnce(&Table<'_>) -> Option<T>) -> Result<T, Vec<Problem>> {
        let source = Arc::clone(&self.source);
        let unnamed = || vec![Problem::new(&source, 0..0, "this file cannot be used, and nothing says why").hint("please report this")];
        self.read(read)?.ok_or_else(unnamed)
    }

    fn report(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    fn has_problems(&self) -> bool {
        !self.problems.borrow().is_empty()
    }

    /// Removes a problem that was reported at this position.
    fn withdraw(&self, span: &Range<usize>, message: &str) {
        self.problems.borrow_mut().retain(|problem| problem.span != *span || problem.message != message);
    }
}

/// The type of a value, in words for users.
fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r##"# A comment
list = [
  "a",
]
run = """
first \
  joined
second
"""
literal = '''
one
two'''
escape = "a\r\n"
"##;

    /// The values of the list, then the three strings; or line, column and message of each problem.
    fn read(text: &str) -> Result<Vec<String>, Vec<(usize, usize, String)>> {
        let strings = |table: &Table<'_>| {
            let texts = ["run", "literal", "escape"].map(|key| table.string(key));
            table.strings("list").into_iter().chain(texts.into_iter().flatten()).map(|text| text.value).collect()
        };
        Document::new("x.toml", text).read(strings).map_err(|problems| {
            let place = |problem: &Problem| {
                let (line, column) = problem.line_and_column();
                (line, column, problem.message.clone())
            };
            problems.iter().map(place).collect()
        })
    }

    #[test]
    fn line_ends_and_a_byte_order_mark_make_no_difference() {
        let plain = read(TEXT).unwrap();
        assert_eq!(plain, ["a", "first joined\nsecond\n", "one\ntwo", "a\r\n"]);
        for other in [TEXT.replace('\n', "\r\n"), format!("\u{feff}{TEXT}"), format!("\u{feff}{}", TEXT.replace('\n', "\r\n"))] {
            assert_eq!(read(&other).unwrap(), plain, "{other:?}");
        }
    }

    #[test]
    fn a_lone_carriage_return_is_refused_with_its_place() {
        let message = "a carriage return without a line feed after it";
        for (text, line, column) in [
            ("run = \"\"\"\r\nä b\rc\r\n\"\"\"\r\n", 2, 4),
            ("# a\rlist = []\n", 1, 4),
            ("run = 'a\r'\n", 1, 9),
            ("\u{feff}\r\r\n", 1, 1),
            ("list = []\r", 1, 10),
        ] {
            assert_eq!(read(text), Err(vec![(line, column, message.to_owned())]), "{text:?}");
        }
    }

    #[test]
    fn places_are_those_in_the_file() {
        for text in ["list = [\r\n  1,\r\n]\r\n", "\u{feff}list = [\n  1,\n]\n"] {
            assert_eq!(read(text), Err(vec![(2, 3, "`list` must be a string, not an integer".to_owned())]), "{text:?}");
        }
    }
}
