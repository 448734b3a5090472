//! Problems in files the user wrote, each with its place.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::{ExitCode, Failure};
use crate::address::without_passwords;

/// A file's path, relative to the project's root, and its text.
#[derive(Debug, PartialEq, Eq)]
pub struct SourceText {
    /// The path as shown to the user.
    pub path: String,
    /// The whole text. Spans are byte offsets into it.
    pub text: String,
}

impl SourceText {
    /// Normalises a file as editors may write it: CRLF at the end of a line becomes LF, and a byte order mark at the beginning is dropped.
    /// So strings and scripts in a file do not depend on the settings of a checkout, and spans fit the text.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.starts_with(BYTE_ORDER_MARK) {
            text.drain(..BYTE_ORDER_MARK.len_utf8());
        }
        if text.contains('\r') {
            text = text.replace("\r\n", "\n");
        }
        Self { path: path.into(), text }
    }
}

/// Some editors write it at the beginning of UTF-8 files.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// One problem: a place, what is wrong there, and the next step.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The file.
    pub source: Arc<SourceText>,
    /// Byte range in the file's text; may be empty.
    pub span: Range<usize>,
    /// What is wrong: lowercase, no final full stop.
    pub message: String,
    /// The next step.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem at `span` of `source`.
    pub fn new(source: &Arc<SourceText>, span: Range<usize>, message: impl Into<String>) -> Self {
        Self { source: Arc::clone(source), span, message: without_passwords(&message.into()).into_owned(), hint: None }
    }

    /// The same, with the next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Line and column of the span's beginning, both counted from 1, columns in characters.
    pub fn line_and_column(&self) -> (usize, usize) {
        let start = self.span.start.min(self.source.text.len());
        let before = self.source.text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

/// All problems found, sorted by file and position.
#[derive(Debug, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Sorts by file, then position, so that the order does not depend on how they were found.
    pub fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort_by(|a, b| {
            let key = |problem: &Problem| (problem.source.path.clone(), problem.span.start, problem.message.clone());
            key(a).cmp(&key(b))
        });
        Self(problems)
    }

    /// `value`, if there are no problems.
    ///
    /// # Errors
    /// All problems, if there are any.
    pub fn none_or<T>(problems: Vec<Problem>, value: T) -> Result<T, Self> {
        if problems.is_empty() { Ok(value) } else { Err(Self::new(problems)) }
    }

    /// The problems, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0[..] {
            [one] => f.write_str(&one.message),
            many => write!(f, "{} problems in the project's descriptions", many.len()),
        }
    }
}

impl std::error::Error for Problems {}

impl Failure for Problems {
    fn problems(&self) -> Option<&Problems> {
        Some(self)
    }

    fn exit(&self) -> ExitCode {
        ExitCode::Description
    }
}
