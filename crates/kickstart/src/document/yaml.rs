//! YAML with places: the core schema of 1.2 with what documents written for readers of 1.1 have (merge keys, `!!binary`), one document.
//! References to other values are followed as long as the document does not grow out of bounds by them.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag};

use super::{DEEPEST, Entry, Node, Place, Problem, Tree, Value, scalar};

/// So many values may come of references.
const MOST_COPIES: usize = 10_000;

/// So many bytes may come of references.
const MOST_COPIED_BYTES: usize = 4 << 20;

/// Reads the only document of a stream.
pub(super) fn parse(text: &str) -> Result<Tree, Problem> {
    let mut reader = Reader { parser: Parser::new_from_str(text), problems: Vec::new(), anchors: BTreeMap::new(), copies: 0, copied: 0 };
    let mut node = None;
    loop {
        let (event, place) = reader.next()?;
        match event {
            Event::StreamEnd => break,
            Event::DocumentStart(_) if node.is_some() => {
                reader.problems.push(Problem::at(place, "there is a second document; only the first one is read"));
                break;
            }
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            event => node = Some(reader.node(event, place, 0)?),
        }
    }
    let node = node.ok_or_else(|| Problem::at(Place { line: 1, column: 1 }, "the document is empty"))?;
    Ok(Tree { node, problems: reader.problems })
}

struct Reader<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    problems: Vec<Problem>,
    anchors: BTreeMap<usize, Node>,
    copies: usize,
    copied: usize,
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
        let (anchor, tag, mut node) = match event {
            Event::Scalar(text, style, anchor, tag) => (anchor, tag, scalar_node(&text, style, place)),
            Event::SequenceStart(anchor, tag) => (anchor, tag, Node::new(self.list(depth)?, place)),
            Event::MappingStart(anchor, tag) => (anchor, tag, Node::new(self.map(depth)?, place)),
            Event::Alias(anchor) => (0, None, self.copy(anchor, place)?),
            _ => return Err(Problem::at(place, "expected a value")),
        };
        if let Some(tag) = tag {
            node = tagged(node, &tag);
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    /// What `*name` stands for.
    fn copy(&mut self, anchor: usize, place: Place) -> Result<Node, Problem> {
        let Some(node) = self.anchors.get(&anchor) else { return Err(Problem::at(place, "nothing before it is called so")) };
        let (values, bytes) = node.size();
        self.copies += values;
        self.copied += bytes;
        if self.copies > MOST_COPIES || self.copied > MOST_COPIED_BYTES {
            return Err(Problem::at(place, "references to other values (`*name`) make the document too large"));
        }
        Ok(Node { place, ..node.clone() })
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
        let mut merged: Vec<Entry> = Vec::new();
        loop {
            let (key, style, place) = match self.next()? {
                (Event::MappingEnd, _) => break,
                (Event::Scalar(key, style, ..), place) => (key.into_owned(), style, place),
                (_, place) => return Err(Problem::at(place, "a key must be a string")),
            };
            let (event, at) = self.next()?;
            let node = self.node(event, at, depth + 1)?;
            if key == "<<" && matches!(style, ScalarStyle::Plain) {
                merged.extend(self.merge(node));
            } else {
                Tree::put(&mut entries, Entry { key, place, node }, &mut self.problems);
            }
        }
        merged.retain(|entry| !entries.iter().any(|own| own.key == entry.key));
        entries.extend(merged);
        Ok(Value::Map(entries))
    }

    /// The entries that a merge key adds; of those of the same name, the first counts.
    fn merge(&mut self, node: Node) -> Vec<Entry> {
        let tables = match node.value {
            Value::List(nodes) => nodes,
            _ => vec![node],
        };
        let mut entries: Vec<Entry> = Vec::new();
        for table in tables {
            match table.value {
                Value::Map(all) => {
                    let fresh: Vec<Entry> = all.into_iter().filter(|entry| !entries.iter().any(|own| own.key == entry.key)).collect();
                    entries.extend(fresh);
                }
                _ => self.problems.push(Problem::at(table.place, "`<<` must refer to a table of keys")),
            }
        }
        entries
    }
}

fn scalar_node(text: &str, style: ScalarStyle, place: Place) -> Node {
    if matches!(style, ScalarStyle::Plain) {
        return Node { value: scalar::value(text), place, written: Some(text.into()) };
    }
    Node::new(Value::String(text.to_owned()), place)
}

/// A value with a tag.
fn tagged(node: Node, tag: &Tag) -> Node {
    let place = node.place;
    let text = || match &node.value {
        Value::String(text) => text.clone(),
        _ => node.written.as_deref().unwrap_or_default().to_owned(),
    };
    let unreadable = |message: String| Node::new(Value::Unreadable(message), place);
    if !tag.is_yaml_core_schema() {
        return unreadable(format!("the tag `{}{}` is not supported: leave it out", tag.handle, tag.suffix));
    }
    match tag.suffix.as_str() {
        "binary" => {
            let packed: String = text().split_ascii_whitespace().collect();
            super::base64::decode(&packed).map_or_else(
                || unreadable("the text behind `!!binary` is not Base64".to_owned()),
                |bytes| Node::new(Value::Binary(bytes), place),
            )
        }
        "str" => Node::new(Value::String(text()), place),
        "int" | "float" | "bool" | "null" => Node { value: scalar::value(&text()), place, written: Some(text().into()) },
        "seq" | "map" | "omap" | "set" | "timestamp" => node,
        other => unreadable(format!("the tag `!!{other}` is not supported: leave it out")),
    }
}
