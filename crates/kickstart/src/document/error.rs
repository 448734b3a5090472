//! What serde says is wrong, in words for people.

use std::collections::BTreeSet;
use std::fmt::{self, Display};

use serde::de::{self, Expected, Unexpected};

use super::{Place, Problem};
use text::nearest;

/// A problem whose place is filled in on its way out: line 0 means not yet.
#[derive(Debug)]
pub(super) struct Error(Box<Wrong>);

#[derive(Debug)]
struct Wrong {
    problem: Problem,
    /// The path of what cannot be used because of it.
    cut: String,
    /// The key that is missing.
    missing: Option<&'static str>,
    /// Whether it was reported before.
    is_reported: bool,
}

impl Error {
    /// Gives it a place, if it has none.
    pub fn located(mut self, path: &str, place: Place) -> Self {
        if self.0.problem.place.line == 0 {
            self.0.problem.place = place;
            path.clone_into(&mut self.0.problem.path);
            path.clone_into(&mut self.0.cut);
        }
        self
    }

    /// The whole at `path` cannot be used because of it.
    pub fn cutting(mut self, path: &str) -> Self {
        path.clone_into(&mut self.0.cut);
        self
    }

    /// The path of what cannot be used, and the problem; none where a key is missing only because its value was reported.
    pub fn split(self, cut: &BTreeSet<String>) -> (String, Option<Problem>) {
        let Wrong { problem, cut: path, missing, is_reported } = *self.0;
        let dot = if problem.path.is_empty() { "" } else { "." };
        let is_told = missing.is_some_and(|key| cut.contains(&format!("{}{dot}{key}", problem.path)));
        (path, Some(problem).filter(|_| !is_told && !is_reported))
    }

    /// The table in which a key is missing, and the key.
    pub fn missing(&self) -> Option<(&str, &'static str)> {
        self.0.missing.map(|key| (self.0.problem.path.as_str(), key))
    }

    /// Of something that cannot be used because of what was reported.
    pub fn reported() -> Self {
        let mut error = Self::new(String::new(), None, None);
        error.0.is_reported = true;
        error
    }

    fn new(message: String, hint: Option<String>, missing: Option<&'static str>) -> Self {
        let problem = Problem { path: String::new(), place: Place::default(), message, hint };
        Self(Box::new(Wrong { problem, cut: String::new(), missing, is_reported: false }))
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.problem.message)
    }
}

impl std::error::Error for Error {}

/// What a value is, without the value itself: it may be a password.
fn kind(unexpected: &Unexpected<'_>) -> &'static str {
    match unexpected {
        Unexpected::Bool(_) => "true or false",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a whole number",
        Unexpected::Float(_) => "a fraction",
        Unexpected::Char(_) | Unexpected::Str(_) => "text",
        Unexpected::Bytes(_) => "bytes that are not text",
        Unexpected::Unit | Unexpected::Option => "nothing",
        Unexpected::Seq => "a list",
        Unexpected::Map => "a table of keys",
        _ => "something else",
    }
}

/// So many words are listed; more are not read.
const LISTED: usize = 16;

/// Words in a row, or the first of many.
pub(super) fn listed(words: &[&str]) -> String {
    let shown = if words.len() > LISTED { &words[..LISTED / 2] } else { words };
    let more = if words.len() > LISTED { ", …" } else { "" };
    shown.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ") + more
}

impl de::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        // The standard library's words for an address that is none.
        let message = message.to_string();
        let is_address = message.starts_with("invalid IP") && message.ends_with("address syntax");
        Self::new(if is_address { "write an address such as 192.0.2.7 or 2001:db8::7".to_owned() } else { message }, None, None)
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format!("write {expected}, not {}", kind(&unexpected)), None, None)
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        match unexpected {
            Unexpected::Unsigned(number) => Self::new(format!("{number} is out of range: write {expected}"), None, None),
            Unexpected::Signed(number) => Self::new(format!("{number} is out of range: write {expected}"), None, None),
            Unexpected::Bytes(_) => Self::new("it contains bytes that are not text".to_owned(), None, None),
            _ => Self::new(format!("write {expected}"), None, None),
        }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let hint = nearest(variant, expected.iter().copied()).map(|word| format!("did you mean `{word}`?"));
        Self::new(format!("`{variant}` is not one of {}", listed(expected)), hint, None)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(format!("`{field}` is missing"), None, Some(field))
    }
}
