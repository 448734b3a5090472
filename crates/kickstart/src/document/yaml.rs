//! YAML 1.2 with places: the core schema, one document, no anchors (they would let a small file grow without bound).

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span};

use super::{DEEPEST, Entry, Node, Place, Problem, Value};

/// Reads the only document of a stream.
pub(super) fn parse(text: &str) -> Result<Node, Problem> {
    let mut reader = Reader { parser: Parser::new_from_str(text) };
    let mut node = None;
    loop {
        let (event, place) = reader.next()?;
        match event {
            Event::StreamEnd => return node.ok_or_else(|| Problem::at(place, "the document is empty")),
            Event::DocumentStart(_) if node.is_some() => return Err(Problem::at(place, "there is a second document; only one is allowed")),
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            event => node = Some(reader.node(event, place, 0)?),
        }
    }
}

struct Reader<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
}

fn place(marker: &Marker) -> Place {
    Place { line: marker.line().max(1), column: marker.col() + 1 }
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Place), Problem> {
        match self.parser.next_event() {
            Some(Ok((event, Span { start, .. }))) => Ok((event, place(&start))),
            Some(Err(error)) => Err(Problem::at(place(error.marker()), error.info())),
            None => Ok((Event::StreamEnd, Place { line: 1, column: 1 })),
        }
    }

    fn node(&mut self, event: Event<'a>, place: Place, depth: usize) -> Result<Node, Problem> {
        if depth > DEEPEST {
            return Err(Problem::at(place, format!("it is nested more than {DEEPEST} deep")));
        }
        let value = match event {
            Event::Scalar(text, style, 0, None) => scalar(&text, style),
            Event::SequenceStart(0, None) => self.list(depth)?,
            Event::MappingStart(0, None) => self.map(depth)?,
            Event::Alias(_) => return Err(Problem::at(place, "references to other values (`*name`) are not supported")),
            Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..) => {
                return Err(Problem::at(place, "tags (`!name`) and anchors (`&name`) are not supported"));
            }
            _ => return Err(Problem::at(place, "expected a value")),
        };
        Ok(Node { value, place })
    }

    fn list(&mut self, depth: usize) -> Result<Value, Problem> {
        let mut nodes = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::List(nodes)),
                (event, place) => nodes.push(self.node(event, place, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, Problem> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (key, place) = match self.next()? {
                (Event::MappingEnd, _) => return Ok(Value::Map(entries)),
                (Event::Scalar(key, ..), place) => (key.into_owned(), place),
                (_, place) => return Err(Problem::at(place, "a key must be a string")),
            };
            if entries.iter().any(|entry| entry.key == key) {
                return Err(Problem::at(place, format!("`{key}` is set twice")));
            }
            let (event, at) = self.next()?;
            entries.push(Entry { key, place, node: self.node(event, at, depth + 1)? });
        }
    }
}

/// What a scalar is by the core schema (YAML 1.2.2, 10.3.2).
fn scalar(text: &str, style: ScalarStyle) -> Value {
    if !matches!(style, ScalarStyle::Plain) {
        return Value::String(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number(text).unwrap_or_else(|| Value::String(text.to_owned())),
    }
}

fn number(text: &str) -> Option<Value> {
    let radix = |prefix, radix| text.strip_prefix(prefix).and_then(|digits| i64::from_str_radix(digits, radix).ok());
    if let Some(integer) = text.parse().ok().or_else(|| radix("0x", 16)).or_else(|| radix("0o", 8)) {
        return Some(Value::Integer(integer));
    }
    let numeric =
        text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) && text.bytes().any(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|float: &f64| numeric && float.is_finite()).map(Value::Float)
}
