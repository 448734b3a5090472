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
    /// What is left out because of it.
    left_out: Option<&'static str>,
    kind: Kind,
}

/// What is done with an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// It is reported.
    New,
    /// It was reported before.
    Reported,
    /// A key has a second value: the first one is as if it were not there.
    Twice,
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

    /// The whole at `path` cannot be used because of it; `left_out` is what it is called.
    pub fn cutting(mut self, path: &str, left_out: Option<&'static str>) -> Self {
        if self.0.kind != Kind::Twice {
            path.clone_into(&mut self.0.cut);
            self.0.left_out = left_out.or(self.0.left_out);
        }
        self
    }

    /// Whether a key has a second value.
    pub fn is_twice(&self) -> bool {
        self.0.kind == Kind::Twice
    }

    /// The path of what cannot be used, and the problem; none where a key is missing only because its value was reported.
    pub fn split(self, cut: &BTreeSet<String>) -> (String, Option<Problem>) {
        let Wrong { mut problem, cut: path, missing, left_out, kind } = *self.0;
        let dot = if problem.path.is_empty() { "" } else { "." };
        let is_told = missing.is_some_and(|key| cut.contains(&format!("{}{dot}{key}", problem.path)));
        if let Some(name) = left_out {
            problem.message = super::problem::left_out(&problem.message, name);
        }
        (path, Some(problem).filter(|_| !is_told && kind != Kind::Reported))
    }

    /// The table in which a key is missing, and the key.
    pub fn missing(&self) -> Option<(&str, &'static str)> {
        self.0.missing.map(|key| (self.0.problem.path.as_str(), key))
    }

    /// Of something that cannot be used because of what was reported.
    pub fn reported() -> Self {
        let mut error = Self::new(String::new(), None, None);
        error.0.kind = Kind::Reported;
        error
    }

    fn new(message: String, hint: Option<String>, missing: Option<&'static str>) -> Self {
        let problem = Problem { path: String::new(), place: Place::default(), message, hint };
        Self(Box::new(Wrong { problem, cut: String::new(), missing, left_out: None, kind: Kind::New }))
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

/// Words in a row; of many, those that are spelt most like one.
pub(super) fn listed_for(word: &str, words: &[&str]) -> String {
    if words.len() > LISTED { listed(&text::by_nearness(word, words.iter().copied())) } else { listed(words) }
}

/// Words in a row, or the first of many.
fn listed(words: &[&str]) -> String {
    let shown = if words.len() > LISTED { &words[..LISTED / 2] } else { words };
    let more = if words.len() > LISTED { ", …" } else { "" };
    shown.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ") + more
}

impl de::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        // The standard library's words for an address that is none.
        let message = message.to_string();
        let message = match message.as_str() {
            "invalid IP address syntax" => "write an address such as 192.0.2.7 or 2001:db8::7".to_owned(),
            "invalid IPv4 address syntax" => "write an address of IPv4 such as 192.0.2.7".to_owned(),
            "invalid IPv6 address syntax" => "write an address of IPv6 such as 2001:db8::7".to_owned(),
            _ => message,
        };
        Self::new(message, None, None)
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
        Self::new(format!("`{variant}` is not one of {}", listed_for(variant, expected)), hint, None)
    }

    fn duplicate_field(_: &'static str) -> Self {
        let mut error = Self::new(super::tree::SET_TWICE.to_owned(), None, None);
        error.0.kind = Kind::Twice;
        error
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(format!("`{field}` is missing"), None, Some(field))
    }
}
