//! Lines and words of Kconfig.

use std::sync::Arc;

use super::expression::{Comparison, Expression, Operand};

/// A line with its continuations joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The number of its first line, counted from 1.
    pub number: usize,
    /// Its text, without indentation and trailing spaces.
    pub text: String,
}

/// The lines of a file; help texts are skipped.
pub fn lines(text: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut raw = text.lines().enumerate().peekable();
    while let Some((at, first)) = raw.next() {
        let mut joined = first.trim().to_owned();
        while joined.ends_with('\\') {
            joined.pop();
            let Some((_, next)) = raw.next() else { break };
            joined.push_str(next.trim());
        }
        if joined.is_empty() || joined.starts_with('#') {
            continue;
        }
        if joined == "help" || joined == "---help---" {
            // The help text consists of all lines indented at least as far as its first non-empty line.
            let mut indent = None;
            while let Some((_, line)) = raw.peek() {
                if !line.trim().is_empty() {
                    let here = width(line);
                    if here == 0 || indent.is_some_and(|indent| here < indent) {
                        break;
                    }
                    indent.get_or_insert(here);
                }
                raw.next();
            }
            continue;
        }
        lines.push(Line { number: at + 1, text: joined });
    }
    lines
}

/// Columns of indentation; a tab advances to the next multiple of eight.
fn width(line: &str) -> usize {
    let mut columns = 0;
    for byte in line.bytes() {
        match byte {
            b' ' => columns += 1,
            b'\t' => columns = (columns / 8 + 1) * 8,
            _ => break,
        }
    }
    columns
}

/// A word of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// A name, a number, a keyword.
    Word(String),
    /// A quoted string, without its quotes.
    Text(String),
    /// `$(…)`
    Probe(String),
    /// `&&`, `||`, `!`, `(`, `)`
    Sign(&'static str),
    /// `=` and the like.
    Compare(Comparison),
}

const SIGNS: [&str; 5] = ["&&", "||", "!", "(", ")"];
const COMPARISONS: [(&str, Comparison); 6] = [
    ("!=", Comparison::Unequal),
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("=", Comparison::Equal),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];

/// The words of a line. Unknown characters are skipped, as by Kconfig.
pub fn tokens(line: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '#' => break,
            '"' | '\'' => quoted(rest, first),
            '$' if rest.starts_with("$(") => {
                let length = macro_length(rest);
                (Token::Probe(rest[..length].to_owned()), length)
            }
            _ => sign(rest).unwrap_or_else(|| word(rest)),
        };
        if length == 0 {
            rest = &rest[first.len_utf8()..];
        } else {
            tokens.push(token);
            rest = &rest[length..];
        }
        rest = rest.trim_start();
    }
    tokens
}

fn quoted(rest: &str, quote: char) -> (Token, usize) {
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => text.extend(characters.next().map(|(_, escaped)| escaped)),
            _ if character == quote => return (Token::Text(text), at + 1),
            _ => text.push(character),
        }
    }
    (Token::Text(text), rest.len())
}

/// The length of `$(…)` including nested ones.
fn macro_length(rest: &str) -> usize {
    let mut depth = 0usize;
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' if depth == 1 => return at + 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    rest.len()
}

fn sign(rest: &str) -> Option<(Token, usize)> {
    let compared = COMPARISONS.iter().find(|(text, _)| rest.starts_with(text)).map(|(text, sign)| (Token::Compare(*sign), text.len()));
    compared.or_else(|| SIGNS.iter().find(|text| rest.starts_with(**text)).map(|text| (Token::Sign(text), text.len())))
}

fn word(rest: &str) -> (Token, usize) {
    let part = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte);
    let length = rest.bytes().take_while(|byte| part(*byte)).count();
    (Token::Word(rest[..length].to_owned()), length)
}

/// Words being read from left to right.
pub struct Words<'a> {
    tokens: &'a [Token],
}

impl<'a> Words<'a> {
    /// Starts at the first word.
    pub fn new(tokens: &'a [Token]) -> Self {
        Self { tokens }
    }

    fn peek(&self) -> Option<&'a Token> {
        self.tokens.first()
    }

    /// Takes the next word.
    pub fn take(&mut self) -> Option<&'a Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    fn accept(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(text)) if *text == sign);
        if found {
            self.take();
        }
        found
    }

    /// An expression; `None` if there is none.
    pub fn expression(&mut self) -> Option<Arc<Expression>> {
        let mut left = self.conjunction()?;
        while self.accept("||") {
            left = Arc::new(Expression::Or(left, self.conjunction()?));
        }
        Some(left)
    }

    fn conjunction(&mut self) -> Option<Arc<Expression>> {
        let mut left = self.negation()?;
        while self.accept("&&") {
            left = Arc::new(Expression::And(left, self.negation()?));
        }
        Some(left)
    }

    fn negation(&mut self) -> Option<Arc<Expression>> {
        if self.accept("!") {
            return Some(Arc::new(Expression::Not(self.negation()?)));
        }
        if self.accept("(") {
            let inner = self.expression()?;
            return self.accept(")").then_some(inner);
        }
        let left = self.operand()?;
        if let Some(Token::Compare(comparison)) = self.peek() {
            self.take();
            return Some(Arc::new(Expression::Compare(left, *comparison, self.operand()?)));
        }
        Some(Arc::new(Expression::Operand(left)))
    }

    /// One operand; `None` if there is none.
    pub fn operand(&mut self) -> Option<Operand> {
        match self.peek()? {
            Token::Word(word) if word == "if" => return None,
            Token::Word(_) | Token::Text(_) | Token::Probe(_) => {}
            Token::Sign(_) | Token::Compare(_) => return None,
        }
        Some(match self.take()? {
            Token::Word(word) => {
                let number = word.trim_start_matches('-').starts_with(|first: char| first.is_ascii_digit())
                    && word.trim_start_matches('-').trim_start_matches("0x").bytes().all(|byte| byte.is_ascii_hexdigit());
                match word.parse() {
                    Ok(symbol) if !number && !matches!(&**word, "y" | "m" | "n") => Operand::Symbol(symbol),
                    _ => Operand::Constant(word.clone()),
                }
            }
            Token::Text(text) => Operand::Constant(text.clone()),
            Token::Probe(text) => Operand::Probe(text.clone()),
            Token::Sign(_) | Token::Compare(_) => return None,
        })
    }

    /// The condition after `if`; always true if there is no `if`.
    pub fn condition(&mut self) -> Option<Arc<Expression>> {
        match self.take() {
            None => Some(Expression::yes()),
            Some(Token::Word(word)) if word == "if" => self.expression(),
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        Words::new(&tokens(text)).expression().map_or_else(|| "nothing".into(), |expression| expression.to_string())
    }

    #[test]
    fn expressions_bind_as_kconfig_binds_them() {
        for (text, wanted) in [
            ("A && B||C", "A && B || C"),
            ("A && (B || C)", "A && (B || C)"),
            ("!A = B", "!(A = B)"),
            ("GCC_VERSION >= 0140000 && !X86", "GCC_VERSION >= 0140000 && !X86"),
            ("$(cc-option,-f(x) -g) && A", "$(cc-option,-f(x) -g) && A"),
            ("&& A", "nothing"),
        ] {
            assert_eq!(read(text), wanted, "{text}");
        }
    }

    #[test]
    fn help_is_passed_over_and_lines_are_joined() {
        let found =
            lines("config A\n\tbool \"x\" \\\n\t  if B\n\thelp\n\t  config FALSE\n\n\t    more\nconfig B # no\n  help\n\nconfig C\n");
        let texts: Vec<_> = found.iter().map(|line| (line.number, &*line.text)).collect();
        assert_eq!(texts, [(1, "config A"), (2, "bool \"x\" if B"), (8, "config B # no"), (11, "config C")]);
    }
}
