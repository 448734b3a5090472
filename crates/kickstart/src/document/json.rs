//! JSON (RFC 8259) with places.

use std::cell::Cell;

use super::{DEEPEST, Entry, Node, Place, Problem, Tree, Value};

/// Reads a whole document.
pub(super) fn parse(text: &str) -> Result<Tree, Problem> {
    let start = (0, Place { line: 1, column: 1 });
    let mut parser = Parser { text, at: 0, depth: 0, problems: Vec::new(), known: Cell::new(start) };
    let node = parser.value()?;
    parser.blank();
    if parser.at < text.len() {
        Err(parser.problem("unexpected text after the end of the document"))
    } else {
        Ok(Tree { node, problems: parser.problems })
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    problems: Vec<Problem>,
    /// The last offset whose place was asked for, and its place: places are asked for one after the other.
    known: Cell<(usize, Place)>,
}

impl Parser<'_> {
    fn place(&self) -> Place {
        let (offset, place) = self.known.get();
        let found = match self.text.get(offset..self.at) {
            Some(between) => place.after(between),
            None => Place::of(self.text, self.at),
        };
        self.known.set((self.at, found));
        found
    }

    fn problem(&self, message: impl Into<String>) -> Problem {
        Problem::at(self.place(), message)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// The next byte that is not blank.
    fn next(&mut self) -> Option<u8> {
        self.blank();
        self.peek()
    }

    fn expect(&mut self, byte: u8, what: &str) -> Result<(), Problem> {
        if self.next() == Some(byte) {
            self.at += 1;
            return Ok(());
        }
        Err(self.problem(format!("expected {what}")))
    }

    fn value(&mut self) -> Result<Node, Problem> {
        let first = self.next();
        let place = self.place();
        let start = self.at;
        let value = match first {
            Some(b'{') => self.nested(Self::map)?,
            Some(b'[') => self.nested(Self::list)?,
            Some(b'"') => Value::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(_) => self.word()?,
            None => return Err(self.problem("the document ends where a value should be")),
        };
        let written = !matches!(value, Value::String(_) | Value::List(_) | Value::Map(_));
        Ok(Node { value, place, written: written.then(|| self.text[start..self.at].into()) })
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, Problem>) -> Result<Value, Problem> {
        if self.depth == DEEPEST {
            return Err(self.problem(format!("it is nested more than {DEEPEST} deep")));
        }
        self.depth += 1;
        self.at += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn map(&mut self) -> Result<Value, Problem> {
        let mut entries: Vec<Entry> = Vec::new();
        if self.next() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Map(entries));
        }
        loop {
            if self.next() != Some(b'"') {
                let comma = !entries.is_empty() && self.peek() == Some(b'}');
                let what = if comma { "there is a comma before the closing brace" } else { "expected a key in double quotes" };
                return Err(self.problem(what));
            }
            let place = self.place();
            let key = self.string()?;
            self.expect(b':', "`:` after the key")?;
            let entry = Entry { key, place, node: self.value()? };
            Tree::put(&mut entries, entry, &mut self.problems);
            match self.next() {
                Some(b',') => self.at += 1,
                _ => return self.expect(b'}', "`,` or `}`").map(|()| Value::Map(entries)),
            }
        }
    }

    fn list(&mut self) -> Result<Value, Problem> {
        let mut nodes = Vec::new();
        if self.next() == Some(b']') {
            self.at += 1;
            return Ok(Value::List(nodes));
        }
        loop {
            if self.next() == Some(b']') {
                return Err(self.problem("there is a comma before the closing bracket"));
            }
            nodes.push(self.value()?);
            match self.next() {
                Some(b',') => self.at += 1,
                _ => return self.expect(b']', "`,` or `]`").map(|()| Value::List(nodes)),
            }
        }
    }

    fn word(&mut self) -> Result<Value, Problem> {
        for (word, value) in [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)] {
            let rest = &self.text.as_bytes()[self.at..];
            if rest.starts_with(word.as_bytes()) && !rest.get(word.len()).is_some_and(u8::is_ascii_alphanumeric) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.problem("expected a value; strings must be in double quotes"))
    }

    fn number(&mut self) -> Result<Value, Problem> {
        let rest = &self.text[self.at..];
        let length = rest.find(|letter: char| !matches!(letter, '0'..='9' | '-' | '+' | '.' | 'e' | 'E')).unwrap_or(rest.len());
        let word = &rest[..length];
        let digits = word.strip_prefix('-').unwrap_or(word);
        let zero = digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit();
        let parsed = if word.contains(['.', 'e', 'E']) {
            word.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Float)
        } else {
            word.parse().ok().map(Value::Integer)
        };
        let number = parsed.filter(|_| !zero && !word.ends_with('.')).ok_or_else(|| self.problem("not a number"))?;
        self.at += length;
        Ok(number)
    }

    /// A string; the opening quote is next.
    fn string(&mut self) -> Result<String, Problem> {
        let start = self.at;
        self.at += 1;
        let mut string = String::new();
        loop {
            let Some(letter) = self.text[self.at..].chars().next() else {
                self.at = start;
                return Err(self.problem("the quote is not closed"));
            };
            self.at += letter.len_utf8();
            match letter {
                '"' => return Ok(string),
                '\\' => string.push(self.escape()?),
                '\0'..='\x1f' => {
                    self.at -= 1;
                    return Err(self.problem("a line break or control character in quotes must be written as an escape: `\\n`"));
                }
                _ => string.push(letter),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Problem> {
        let letter = self.peek();
        self.at += 1;
        Ok(match letter {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\x08',
            Some(b'f') => '\x0c',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let first = self.hex()?;
                let pair = (0xd800..0xdc00).contains(&first) && self.text[self.at..].starts_with("\\u");
                let code = if pair {
                    self.at += 2;
                    let second = self.hex()?;
                    0x1_0000 + ((first - 0xd800) << 10) + (second.wrapping_sub(0xdc00) & 0x3ff)
                } else {
                    first
                };
                char::from_u32(code).ok_or_else(|| self.problem("the escape is not a character"))?
            }
            _ => {
                self.at -= 1;
                return Err(self.problem("a backslash must be written twice"));
            }
        })
    }

    fn hex(&mut self) -> Result<u32, Problem> {
        let digits = self.text.get(self.at..self.at + 4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let code = digits
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .ok_or_else(|| self.problem("`\\u` must be followed by four digits"))?;
        self.at += 4;
        Ok(code)
    }
}
