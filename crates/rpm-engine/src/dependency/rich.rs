//! Boolean dependencies: `(a or b)`, `(a if b else c)`, `(a with b)` and so on, nested.

use std::fmt;

use super::{Capability, Comparison};
use crate::version::Evr;

/// A boolean expression over capabilities, with the meaning RPM gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rich {
    /// One capability.
    Leaf(Capability),
    /// All of them.
    And(Vec<Rich>),
    /// At least one of them.
    Or(Vec<Rich>),
    /// The first, where the second is there; else the third, if there is one.
    If(Box<Rich>, Box<Rich>, Option<Box<Rich>>),
    /// The first, where the second is missing; else the third, if there is one. Only useful in conflicts.
    Unless(Box<Rich>, Box<Rich>, Option<Box<Rich>>),
    /// One package that satisfies all of them at once.
    With(Vec<Rich>),
    /// A package that satisfies the first and not the second.
    Without(Box<Rich>, Box<Rich>),
}

/// A text that is not a boolean dependency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a dependency: {reason}")]
pub struct InvalidRich {
    text: String,
    reason: &'static str,
}

/// Deeper nesting is refused: no real package comes near, and a hostile one must not exhaust the stack.
const DEEPEST: usize = 16;

impl Rich {
    /// Reads an expression in parentheses.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn parse(text: &str) -> Result<Self, InvalidRich> {
        let parsed = tokens(text).and_then(|tokens| {
            let mut parser = Parser { tokens, at: 0 };
            let rich = parser.operand(0)?;
            if parser.peek().is_none() { Ok(rich) } else { Err("text after the end") }
        });
        parsed.map_err(|reason| InvalidRich { text: text.to_owned(), reason })
    }
}

impl Rich {
    /// All capabilities named, each with whether it is only tested rather than asked for. A condition with an alternative is both.
    pub fn leaves(&self) -> Vec<(&Capability, bool)> {
        fn walk<'a>(rich: &'a Rich, tested: bool, into: &mut Vec<(&'a Capability, bool)>) {
            match rich {
                Rich::Leaf(capability) => into.push((capability, tested)),
                Rich::And(all) | Rich::Or(all) | Rich::With(all) => all.iter().for_each(|each| walk(each, tested, into)),
                Rich::Without(first, second) => [first, second].into_iter().for_each(|each| walk(each, tested, into)),
                Rich::If(then, condition, otherwise) | Rich::Unless(then, condition, otherwise) => {
                    walk(then, tested, into);
                    walk(condition, !tested, into);
                    if let Some(otherwise) = otherwise {
                        walk(condition, tested, into);
                        walk(otherwise, tested, into);
                    }
                }
            }
        }
        let mut found = Vec::new();
        walk(self, false, &mut found);
        found
    }
}

/// A word that keeps a parenthesis keeps its other half, too: written down again, it would take the next one.
const UNCLOSED: &str = "a parenthesis within a word is not closed";

/// Splits at blanks and at those parentheses that group; `libz.so.1()(64bit)` and `pkgconfig(zlib)` keep theirs.
fn tokens(text: &str) -> Result<Vec<String>, &'static str> {
    let mut tokens = Vec::new();
    let mut word = String::new();
    let mut depth = 0_usize;
    for character in text.chars() {
        match character {
            '(' if word.is_empty() => tokens.push("(".to_owned()),
            '(' => {
                depth += 1;
                word.push('(');
            }
            ')' if depth > 0 => {
                depth -= 1;
                word.push(')');
            }
            ')' => {
                tokens.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
                tokens.push(")".to_owned());
            }
            blank if blank.is_whitespace() && depth > 0 => return Err(UNCLOSED),
            blank if blank.is_whitespace() => tokens.extend((!word.is_empty()).then(|| std::mem::take(&mut word))),
            other => word.push(other),
        }
    }
    tokens.extend((!word.is_empty()).then_some(word));
    if depth > 0 { Err(UNCLOSED) } else { Ok(tokens) }
}

/// What RPM lets a spec say (`ALLOWED_CHARS_EVR`), with a number before the colon: anything else, written down again, may be another version.
fn is_version(text: &str) -> bool {
    let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._+%{}~^".contains(&byte);
    !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_digit()) && rest.bytes().all(is_allowed)
}

struct Parser {
    tokens: Vec<String>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Option<&str> {
        self.tokens.get(self.at).map(String::as_str)
    }

    fn next(&mut self) -> Option<String> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    /// A capability, or a group in parentheses.
    fn operand(&mut self, depth: usize) -> Result<Rich, &'static str> {
        if depth > DEEPEST {
            return Err("it is nested too deeply");
        }
        match self.next().as_deref() {
            None => Err("it ends early"),
            Some(")") => Err("a closing parenthesis has no opening one"),
            Some("(") => self.group(depth + 1),
            Some(name) => {
                let name = name.to_owned();
                let Some(comparison) = self.peek().and_then(Comparison::parse) else { return Ok(Rich::Leaf(Capability::any(name))) };
                self.at += 1;
                let version = self.next().filter(|token| token != ")").ok_or("a version is missing")?;
                if !is_version(&version) {
                    return Err("a version is malformed");
                }
                let evr = Evr::parse(&version);
                if evr.version.is_empty() { Err("a version is missing") } else { Ok(Rich::Leaf(Capability::ranged(name, comparison, evr))) }
            }
        }
    }

    /// What stands between an opening parenthesis and its end.
    fn group(&mut self, depth: usize) -> Result<Rich, &'static str> {
        let first = self.operand(depth)?;
        let operator = self.next().ok_or("a parenthesis is not closed")?;
        let group = match operator.as_str() {
            ")" => return Ok(first),
            "and" | "or" | "with" => {
                let mut all = vec![first, self.operand(depth)?];
                while self.peek() == Some(operator.as_str()) {
                    self.at += 1;
                    all.push(self.operand(depth)?);
                }
                match operator.as_str() {
                    "and" => Rich::And(all),
                    "or" => Rich::Or(all),
                    _ => Rich::With(all),
                }
            }
            "without" => Rich::Without(Box::new(first), Box::new(self.operand(depth)?)),
            "if" | "unless" => {
                let condition = Box::new(self.operand(depth)?);
                let otherwise = if self.peek() == Some("else") {
                    self.at += 1;
                    Some(Box::new(self.operand(depth)?))
                } else {
                    None
                };
                if operator == "if" {
                    Rich::If(Box::new(first), condition, otherwise)
                } else {
                    Rich::Unless(Box::new(first), condition, otherwise)
                }
            }
            _ => return Err("an operator (and, or, if, unless, with, without) is missing"),
        };
        match self.next().as_deref() {
            Some(")") => Ok(group),
            Some(_) => Err("operators are mixed without parentheses"),
            None => Err("a parenthesis is not closed"),
        }
    }
}

impl fmt::Display for Rich {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |all: &[Rich], operator: &str| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(operator);
        let conditional =
            |f: &mut fmt::Formatter<'_>, then: &Rich, word: &str, condition: &Rich, otherwise: &Option<Box<Rich>>| match otherwise {
                Some(otherwise) => write!(f, "({then} {word} {condition} else {otherwise})"),
                None => write!(f, "({then} {word} {condition})"),
            };
        match self {
            Self::Leaf(capability) => capability.fmt(f),
            Self::And(all) => write!(f, "({})", joined(all, " and ")),
            Self::Or(all) => write!(f, "({})", joined(all, " or ")),
            Self::With(all) => write!(f, "({})", joined(all, " with ")),
            Self::Without(a, b) => write!(f, "({a} without {b})"),
            Self::If(then, condition, otherwise) => conditional(f, then, "if", condition, otherwise),
            Self::Unless(then, condition, otherwise) => conditional(f, then, "unless", condition, otherwise),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips() {
        for text in [
            "(a or b)",
            "(a or b or c)",
            "(a >= 1 and b < 2:3-4)",
            "(a if b)",
            "(a if (b or c) else d)",
            "(libz.so.1()(64bit) with zlib >= 1)",
            "(pkgconfig(x) without y)",
            "((a and b) unless c)",
        ] {
            assert_eq!(Rich::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn malformed_is_refused() {
        let deep = format!("{}a{}", "(".repeat(1000), ")".repeat(1000));
        for text in [
            "(",
            "()",
            "(a",
            "(a or)",
            "(a or b",
            "(a or b and c)",
            "(a b)",
            "(a >= )",
            "(a if b else)",
            "(a) b",
            "(a = -)",
            "(a = 1:2:3)",
            "(a = x:1)",
            "(a( or b)",
            &deep,
        ] {
            assert!(Rich::parse(text).is_err(), "{text}");
        }
    }
}
