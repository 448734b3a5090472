//! What is wrong with a document, and where.

use std::fmt;

/// A place in a text, both from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl Place {
    /// The place of a byte offset.
    pub(crate) fn of(text: &str, offset: usize) -> Self {
        let before = &text.as_bytes()[..offset.min(text.len())];
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        Self { line, column: String::from_utf8_lossy(&before[line_start..]).chars().count() + 1 }
    }

    /// The place behind a text that begins at this one.
    pub(crate) fn after(self, text: &str) -> Self {
        match text.rsplit_once('\n') {
            None => Self { line: self.line, column: self.column + text.chars().count() },
            Some((before, last)) => Self { line: self.line + before.matches('\n').count() + 1, column: last.chars().count() + 1 },
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The value's path: `partitions[1].filesystem`; empty for the document itself.
    pub path: String,
    /// Where it stands.
    pub place: Place,
    /// What is wrong. Never a value that may be secret.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem without a path or a hint.
    pub(crate) fn at(place: Place, message: impl Into<String>) -> Self {
        Self { path: String::new(), place, message: message.into(), hint: None }
    }

    /// In one line, without the hint. `name` is the document's.
    pub fn line(&self, name: &str) -> String {
        let path = if self.path.is_empty() { String::new() } else { format!("{}: ", self.path) };
        format!("{name}:{}:{}: {path}{}", self.place.line, self.place.column, self.message)
    }
}

/// What is wrong with a value beyond its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The value's path.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What cannot be used because of it.
    pub lost: Lost,
}

/// What cannot be used because something is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// Everything can be used.
    Nothing,
    /// The value itself.
    Value,
    /// Something that makes no sense without the value.
    Whole {
        /// Its path.
        path: String,
        /// What it is called: `the route`.
        name: &'static str,
    },
}

impl Complaint {
    /// One because of which nothing is left out.
    pub fn note(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), lost: Lost::Nothing }
    }

    /// One because of which the value is left out.
    pub fn value(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), lost: Lost::Value }
    }

    /// One because of which all that is at `whole` is left out, which `name` calls by its kind.
    pub fn whole(path: impl Into<String>, message: impl Into<String>, whole: &str, name: &'static str) -> Self {
        Self { path: path.into(), message: message.into(), lost: Lost::Whole { path: whole.to_owned(), name } }
    }

    /// The path of what cannot be used, if anything is.
    pub(super) fn cut(&self) -> Option<&str> {
        match &self.lost {
            Lost::Nothing => None,
            Lost::Value => Some(&self.path),
            Lost::Whole { path, .. } => Some(path),
        }
    }

    /// What is wrong, and what is left out because of it.
    pub(super) fn text(&self) -> String {
        match &self.lost {
            Lost::Nothing | Lost::Value => self.message.clone(),
            Lost::Whole { name, .. } => left_out(&self.message, name),
        }
    }
}

/// A message, and what is left out.
pub(super) fn left_out(message: &str, name: &str) -> String {
    format!("{message}; {name} is left out")
}

/// All that is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    /// The document's name.
    pub name: String,
    /// In the order of their places; at least one.
    pub problems: Vec<Problem>,
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{}", problem.line(&self.name))?;
            if let Some(hint) = &problem.hint {
                write!(f, "\n  hint: {hint}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
