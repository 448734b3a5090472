//! Typed access to one TOML table.

use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::ops::Range;
use std::str::FromStr;

use toml::de::{DeTable, DeValue};

use super::{Document, Spanned, kind};
use crate::diagnostic::Problem;
use text::{did_you_mean, nearest};

/// A table being read.
pub struct Table<'a> {
    document: &'a Document,
    tree: &'a DeTable<'a>,
    span: Range<usize>,
    path: String,
    asked: RefCell<Vec<String>>,
    /// Required keys that are missing, with the message reported for each.
    missing: RefCell<Vec<(String, String)>>,
    is_finished: Cell<bool>,
}

/// A table that is never finished would accept misspelt keys silently. Tables that were left early because of a problem are exempt.
impl Drop for Table<'_> {
    fn drop(&mut self) {
        let is_checked = self.is_finished.get() || self.document.has_problems();
        debug_assert!(is_checked || std::thread::panicking(), "table `{}` was read but never finished", self.path);
    }
}

/// A key and its value, of a table with keys chosen by the user.
pub struct Entry<'a> {
    /// The key.
    pub key: Spanned<String>,
    value: &'a toml::Spanned<DeValue<'a>>,
    document: &'a Document,
    path: String,
}

impl<'a> Table<'a> {
    pub(super) fn new(document: &'a Document, tree: &'a DeTable<'a>, span: Range<usize>, path: String) -> Self {
        Self { document, tree, span, path, asked: RefCell::default(), missing: RefCell::default(), is_finished: Cell::default() }
    }

    /// The position of the table: its header, or the braces of an inline table.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The table's name as it is written in a header: empty for the top of the file.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Reports a problem at a position in this file.
    pub fn problem(&self, span: Range<usize>, message: impl Into<String>) {
        self.document.report(Problem::new(self.document.source(), span, message));
    }

    /// Reports a problem with a hint.
    pub fn problem_with_hint(&self, span: Range<usize>, message: impl Into<String>, hint: impl Into<String>) {
        self.document.report(Problem::new(self.document.source(), span, message).hint(hint));
    }

    /// Whether the key is there. Counts as a request for the key.
    pub fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// The position of the value of `key`, if there is one.
    pub fn span_of(&self, key: &str) -> Option<Range<usize>> {
        self.tree.get(key).map(toml::Spanned::span)
    }

    /// The line of a position in this file, counted from 1.
    pub fn line_of(&self, at: usize) -> usize {
        let text = &self.document.source().text;
        1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
    }

    /// An optional string.
    pub fn string(&self, key: &str) -> Option<Spanned<String>> {
        self.value(key).and_then(|value| self.as_string(key, value))
    }

    /// A required string that must not be empty.
    pub fn required_string(&self, key: &str) -> Option<Spanned<String>> {
        let Some(value) = self.value(key) else {
            self.missing(key);
            return None;
        };
        let text = self.as_string(key, value)?;
        if text.value.trim().is_empty() {
            self.problem(text.span, format!("`{key}` is empty"));
            return None;
        }
        Some(text)
    }

    /// An optional string, parsed as `T`.
    pub fn parsed<T: FromStr<Err: Display>>(&self, key: &str) -> Option<Spanned<T>> {
        self.string(key).and_then(|text| self.parse(text))
    }

    /// A required string, parsed as `T`.
    pub fn required_parsed<T: FromStr<Err: Display>>(&self, key: &str) -> Option<Spanned<T>> {
        self.required_string(key).and_then(|text| self.parse(text))
    }

    /// Parses a string of this file and reports an error at its position.
    pub fn parse<T: FromStr<Err: Display>>(&self, text: Spanned<String>) -> Option<Spanned<T>> {
        match text.value.parse() {
            Ok(value) => Some(Spanned { value, span: text.span }),
            Err(error) => {
                self.problem(text.span, error.to_string());
                None
            }
        }
    }

    /// A list of strings; empty if the key is missing.
    pub fn strings(&self, key: &str) -> Vec<Spanned<String>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_kind(key, "a list of strings", value);
            return Vec::new();
        };
        items.iter().filter_map(|item| self.as_string(key, item)).collect()
    }

    /// A list of strings, each parsed as `T`.
    pub fn parsed_list<T: FromStr<Err: Display>>(&self, key: &str) -> Vec<Spanned<T>> {
        self.strings(key).into_iter().filter_map(|text| self.parse(text)).collect()
    }

    /// An optional integer within inclusive bounds.
    pub fn integer(&self, key: &str, bounds: std::ops::RangeInclusive<u64>) -> Option<Spanned<u64>> {
        let value = self.value(key)?;
        let DeValue::Integer(integer) = value.get_ref() else {
            self.wrong_kind(key, "an integer", value);
            return None;
        };
        let digits = integer.as_str().replace('_', "");
        match u64::from_str_radix(&digits, integer.radix()) {
            Ok(number) if bounds.contains(&number) => Some(Spanned { value: number, span: value.span() }),
            _ => {
                self.problem(value.span(), format!("`{key}` must be an integer from {} to {}", bounds.start(), bounds.end()));
                None
            }
        }
    }

    /// A required integer.
    pub fn required_integer(&self, key: &str, bounds: std::ops::RangeInclusive<u64>) -> Option<Spanned<u64>> {
        if self.value(key).is_none() {
            self.missing(key);
            return None;
        }
        self.integer(key, bounds)
    }

    /// `true` or `false`; `default` if the key is missing.
    pub fn boolean(&self, key: &str, default: bool) -> bool {
        match self.value(key).map(|value| (value, value.get_ref())) {
            Some((_, DeValue::Boolean(value))) => *value,
            Some((value, _)) => {
                self.wrong_kind(key, "true or false", value);
                default
            }
            None => default,
        }
    }

    /// An optional table.
    pub fn table(&self, key: &str) -> Option<Table<'a>> {
        let value = self.value(key)?;
        self.as_table(key, value)
    }

    /// A required table.
    pub fn required_table(&self, key: &str) -> Option<Table<'a>> {
        if self.value(key).is_none() {
            self.missing(key);
            return None;
        }
        self.table(key)
    }

    /// An array of tables (`[[key]]`); empty if the key is missing.
    pub fn tables(&self, key: &str) -> Vec<Table<'a>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            self.problem_with_hint(value.span(), format!("`{key}` must be a list of tables"), format!("write `[[{key}]]`"));
            return Vec::new();
        };
        items.iter().filter_map(|item| self.as_table(key, item)).collect()
    }

    /// Either a table or a string: `debian = "…"` or `debian = { … }`.
    pub fn string_or_table(&self, key: &str) -> Option<Result<Spanned<String>, Table<'a>>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Table(_) => self.as_table(key, value).map(Err),
            _ => self.as_string(key, value).map(Ok),
        }
    }

    /// Either a list or a string: `patches = "series"` or `patches = ["…"]`.
    pub fn string_or_list(&self, key: &str) -> Option<Result<Spanned<String>, Vec<Spanned<String>>>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Array(_) => Some(Err(self.strings(key))),
            _ => self.as_string(key, value).map(Ok),
        }
    }

    /// All keys and values in the order they are written, for tables with keys chosen by the user.
    pub fn entries(&self) -> Vec<Entry<'a>> {
        let mut entries: Vec<_> = self
            .tree
            .iter()
            .map(|(key, value)| Entry {
                key: Spanned { value: key.get_ref().to_string(), span: key.span() },
                value,
                document: self.document,
                path: self.child_path(key.get_ref()),
            })
            .collect();
        entries.sort_by_key(|entry| entry.key.span.start);
        self.asked.borrow_mut().extend(entries.iter().map(|entry| entry.key.value.clone()));
        entries
    }

    /// Reports every key that was not requested. If such a key is probably a misspelt required key, the report of the missing key is
    /// withdrawn: one mistake is reported once.
    pub fn finish(&self) {
        self.is_finished.set(true);
        let asked = self.asked.borrow();
        let mut known: Vec<&str> = asked.iter().map(String::as_str).collect();
        known.sort_unstable();
        known.dedup();
        for (key, _) in self.tree {
            let name = key.get_ref();
            if known.contains(&&**name) {
                continue;
            }
            let place = if self.path.is_empty() { "at the top of this file".to_owned() } else { format!("in `[{}]`", self.path) };
            let mut problem = Problem::new(self.document.source(), key.span(), format!("unknown key `{name}` {place}"));
            // A key that is already in the table is unlikely to be the one that was meant.
            let near = nearest(name, known.iter().copied().filter(|known| !self.tree.contains_key(*known)));
            if let Some((_, message)) = self.missing.borrow().iter().find(|(key, _)| near == Some(key)) {
                self.document.withdraw(&self.span, message);
            }
            let hint = near.map(|near| format!("did you mean `{near}`?")).or_else(|| did_you_mean(name, known.iter().copied()));
            problem.hint = hint.or_else(|| Some(format!("known here: {}", known.join(", "))));
            self.document.report(problem);
        }
    }

    /// Reports that the required `key` is missing, with the caller's message.
    pub fn missing_with_hint(&self, key: &str, message: impl Into<String>, hint: impl Into<String>) {
        let message = message.into();
        self.missing.borrow_mut().push((key.to_owned(), message.clone()));
        self.problem_with_hint(self.span(), message, hint);
    }

    fn value(&self, key: &str) -> Option<&'a toml::Spanned<DeValue<'a>>> {
        self.asked.borrow_mut().push(key.to_owned());
        self.tree.get(key)
    }

    fn missing(&self, key: &str) {
        let place = if self.path.is_empty() { "at the top of this file".to_owned() } else { format!("in `[{}]`", self.path) };
        let message = format!("missing key `{key}` {place}");
        self.missing.borrow_mut().push((key.to_owned(), message.clone()));
        self.problem(self.span(), message);
    }

    fn wrong_kind(&self, key: &str, wanted: &str, value: &toml::Spanned<DeValue<'_>>) {
        self.problem(value.span(), format!("`{key}` must be {wanted}, not {}", kind(value.get_ref())));
    }

    fn as_string(&self, key: &str, value: &toml::Spanned<DeValue<'_>>) -> Option<Spanned<String>> {
        match value.get_ref() {
            DeValue::String(text) => Some(Spanned { value: text.to_string(), span: value.span() }),
            _ => {
                self.document.report(no_string(self.document, key, value));
                None
            }
        }
    }

    fn as_table(&self, key: &str, value: &'a toml::Spanned<DeValue<'a>>) -> Option<Table<'a>> {
        match value.get_ref() {
            DeValue::Table(tree) => Some(Table::new(self.document, tree, value.span(), self.child_path(key))),
            _ => {
                self.wrong_kind(key, "a table", value);
                None
            }
        }
    }

    fn child_path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

/// The problem with a value that should be a string. For an unquoted value, the hint is to quote it.
fn no_string(document: &Document, key: &str, value: &toml::Spanned<DeValue<'_>>) -> Problem {
    let span = value.span();
    let written = document.source().text.get(span.clone()).unwrap_or_default();
    let problem = Problem::new(document.source(), span, format!("`{key}` must be a string, not {}", kind(value.get_ref())));
    match value.get_ref() {
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {
            problem.hint(format!("put it in quotes: `\"{written}\"`"))
        }
        DeValue::String(_) | DeValue::Array(_) | DeValue::Table(_) => problem,
    }
}

impl<'a> Entry<'a> {
    /// The value as a string.
    pub fn string(&self) -> Option<Spanned<String>> {
        match self.value.get_ref() {
            DeValue::String(text) => Some(Spanned { value: text.to_string(), span: self.value.span() }),
            _ => {
                self.document.report(no_string(self.document, &self.key.value, self.value));
                None
            }
        }
    }

    /// The value if it is a string; other types are not reported.
    pub fn text(&self) -> Option<Spanned<String>> {
        match self.value.get_ref() {
            DeValue::String(text) => Some(Spanned { value: text.to_string(), span: self.value.span() }),
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => None,
        }
    }

    /// The value as a table.
    pub fn table(&self) -> Option<Table<'a>> {
        match self.value.get_ref() {
            DeValue::Table(tree) => Some(Table::new(self.document, tree, self.value.span(), self.path.clone())),
            other => {
                let message = format!("`{}` must be a table, not {}", self.key.value, kind(other));
                self.document.report(Problem::new(self.document.source(), self.value.span(), message));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str, read: impl FnOnce(&Table<'_>)) -> Vec<(usize, usize, String)> {
        let found = Document::new("x.toml", text).read(read).err().unwrap_or_default();
        found
            .iter()
            .map(|problem| {
                let (line, column) = problem.line_and_column();
                (line, column, problem.message.clone())
            })
            .collect()
    }

    #[test]
    fn all_problems_come_at_once_with_their_places() {
        let found = problems("a = 1\nlist = [\"x\", 2]\nverison = \"1\"\n", |table| {
            table.string("a");
            table.strings("list");
            table.required_string("version");
        });
        assert_eq!(
            found,
            [
                (1, 5, "`a` must be a string, not an integer".into()),
                (2, 14, "`list` must be a string, not an integer".into()),
                (3, 1, "unknown key `verison` at the top of this file".into()),
            ]
        );
    }

    #[test]
    fn a_missing_key_is_reported_unless_it_is_misspelt() {
        let read = |table: &Table<'_>| {
            table.required_string("version");
            table.required_string("license");
        };
        let messages = |text: &str| problems(text, read).into_iter().map(|(_, _, message)| message).collect::<Vec<_>>();
        assert_eq!(
            messages("verison = \"1\"\n"),
            ["missing key `license` at the top of this file", "unknown key `verison` at the top of this file"]
        );
        assert_eq!(
            messages("homepage = \"1\"\nlicense = \"MIT\""),
            ["missing key `version` at the top of this file", "unknown key `homepage` at the top of this file"]
        );
        assert_eq!(messages("version = \"1\"\nverison = \"1\"\nlicense = \"MIT\""), ["unknown key `verison` at the top of this file"]);
    }

    #[test]
    fn syntax_errors_are_problems_too() {
        let found = problems("a = \nb = \"x\n", |_| ());
        assert!(!found.is_empty());
    }

    #[test]
    fn integers_have_bounds() {
        let found = problems("a = 0\nb = -1\nc = 99999999999999999999\nd = 0x10", |table| {
            for key in ["a", "b", "c", "d"] {
                table.integer(key, 1..=16);
            }
        });
        assert_eq!(found.iter().map(|problem| problem.0).collect::<Vec<_>>(), [1, 2, 3]);
    }
}
