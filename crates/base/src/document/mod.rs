//! Strict reading of the project's TOML files: every problem at its place, all at once.
//!
//! A [`Document`] is parsed into a tree with spans; a [`Table`] hands out typed values, notes what it was asked for and, when
//! finished, reports every key nobody asked for. Nothing stops at the first problem.

mod place;
mod suggest;
mod table;

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Problem, SourceText};

pub use place::place;
pub use suggest::{did_you_mean, nearest};
pub use table::{Entry, Table};

/// A value and its place in the file, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
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
        let source = SourceText { path: path.into(), text: text.into() };
        Self { source: Arc::new(source), problems: RefCell::default() }
    }

    /// The file, for problems found later.
    pub fn source(&self) -> &Arc<SourceText> {
        &self.source
    }

    /// Reads the file with `read`, which is given the top table.
    ///
    /// # Errors
    /// All problems: of TOML's syntax alone where there are any, else all that `read` reported.
    pub fn read<T>(self, read: impl FnOnce(&Table<'_>) -> T) -> Result<T, Vec<Problem>> {
        let source = Arc::clone(&self.source);
        let (tree, errors) = DeTable::parse_recoverable(&source.text);
        if !errors.is_empty() {
            let end = source.text.len();
            let problem = |error: toml::de::Error| Problem::new(&source, error.span().unwrap_or(end..end), error.message());
            return Err(errors.into_iter().map(problem).collect());
        }
        let top = Table::new(&self, tree.get_ref(), 0..0, String::new());
        let value = read(&top);
        top.finish();
        let problems = self.problems.into_inner();
        if problems.is_empty() { Ok(value) } else { Err(problems) }
    }

    fn report(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    /// Takes back what was reported at a place.
    fn withdraw(&self, span: &Range<usize>, message: &str) {
        self.problems.borrow_mut().retain(|problem| problem.span != *span || problem.message != message);
    }
}

/// What a value is, in words a person uses.
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
