//! A document as a tree of values with places.

use super::{Place, Problem, scalar};

/// A document, and what is wrong with it although it can be read.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub node: Node,
    pub problems: Vec<Problem>,
}

/// What is said of the earlier one of two values of a key.
pub(crate) const SET_TWICE: &str = "set twice: only the last value counts";

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub value: Value,
    pub place: Place,
    /// How it is written, where that says more than the value: numbers and words without quotes.
    pub written: Option<Box<str>>,
}

/// What all three languages can say.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    String(String),
    Binary(Vec<u8>),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// It cannot be read, and why.
    Unreadable(String),
}

/// A key, its value, and where the key stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub key: String,
    pub place: Place,
    pub node: Node,
}

impl Tree {
    /// Adds an entry to a map. Of two with one key the last counts, as for most readers.
    pub fn put(entries: &mut Vec<Entry>, entry: Entry, problems: &mut Vec<Problem>) {
        if let Some(before) = entries.iter().position(|before| before.key == entry.key) {
            let Entry { key, place, .. } = entries.remove(before);
            problems.push(Problem::at(place, format!("`{key}` is {SET_TWICE}")));
        }
        entries.push(entry);
    }
}

impl Entry {
    /// The value with the key as one of its fields, which it may have already.
    fn into_item(self, field: &str) -> Node {
        let Self { key, place, mut node } = self;
        if node.value == Value::Null {
            node = Node::new(Value::Map(Vec::new()), place);
        }
        if node.entry(field).is_none() {
            node.put(field, place, Node::new(Value::String(key), place));
        }
        node
    }
}

impl Node {
    /// A value that is written as it is.
    pub fn new(value: Value, place: Place) -> Self {
        Self { value, place, written: None }
    }

    /// A single value as it is written.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            Value::Bool(_) | Value::Integer(_) | Value::Float(_) => self.written.as_deref(),
            Value::Null | Value::Binary(_) | Value::List(_) | Value::Map(_) | Value::Unreadable(_) => None,
        }
    }

    /// Whether it is true or false, however that is written.
    pub fn flag(&self) -> Option<bool> {
        match &self.value {
            Value::Bool(value) => Some(*value),
            Value::Integer(number @ (0 | 1)) => Some(*number == 1),
            Value::String(text) => scalar::yes_or_no(text),
            _ => None,
        }
    }

    /// What it is, without itself: it may be a password.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Integer(_) => "a whole number",
            Value::Float(_) => "a fraction",
            Value::String(_) => "text",
            Value::Binary(_) => "bytes",
            Value::List(_) => "a list",
            Value::Map(_) => "a table of keys",
            Value::Unreadable(_) => "this",
        }
    }

    /// The entries of a map.
    pub fn entries(&self) -> &[Entry] {
        if let Value::Map(entries) = &self.value { entries } else { &[] }
    }

    /// The entry of a key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The entries of a map, to change them.
    pub fn entries_mut(&mut self) -> Option<&mut Vec<Entry>> {
        if let Value::Map(entries) = &mut self.value { Some(entries) } else { None }
    }

    /// The value of a key, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        self.entries_mut()?.iter_mut().find(|entry| entry.key == key).map(|entry| &mut entry.node)
    }

    /// The text of a key.
    pub fn text_of(&self, key: &str) -> Option<&str> {
        self.entry(key)?.node.text()
    }

    /// The items of a list; one value that is neither a list nor a table becomes a list of it.
    pub fn items_mut(&mut self) -> Option<&mut Vec<Self>> {
        if self.text().is_some() {
            let one = std::mem::replace(self, Self::new(Value::List(Vec::new()), self.place));
            self.value = Value::List(vec![one]);
        }
        if let Value::List(nodes) = &mut self.value { Some(nodes) } else { None }
    }

    /// Makes a list of a table of tables, in which each key becomes a `field` of its value, or of words with commas between them.
    pub fn become_list(&mut self, field: &str) {
        let is_table = |entry: &Entry| matches!(entry.node.value, Value::Map(_) | Value::Null);
        if let Value::Map(entries) = &mut self.value
            && entries.iter().all(is_table)
        {
            let entries = std::mem::take(entries);
            self.value = Value::List(entries.into_iter().map(|entry| entry.into_item(field)).collect());
        } else if let Some(text) = self.text().filter(|text| text.contains(',')) {
            let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
            self.value = Value::List(words.map(|word| Self::new(Value::String(word.to_owned()), self.place)).collect());
        }
    }

    /// Takes the entry of a key out.
    pub fn take(&mut self, key: &str) -> Option<Entry> {
        let entries = self.entries_mut()?;
        let at = entries.iter().position(|entry| entry.key == key)?;
        Some(entries.remove(at))
    }

    /// Sets a key that is not set, in a map.
    pub fn put(&mut self, key: &str, place: Place, node: Self) {
        if let Some(entries) = self.entries_mut() {
            entries.push(Entry { key: key.to_owned(), place, node });
        }
    }

    /// Removes the entry of a key.
    pub fn remove(&mut self, key: &str) {
        if let Value::Map(entries) = &mut self.value {
            entries.retain(|entry| entry.key != key);
        }
    }

    /// The nearest part of a path that was written down, and its place.
    pub fn nearest(&self, path: &str) -> (String, Place) {
        let (mut node, mut rest, mut found) = (self, path, String::new());
        while let Some((after, next, step)) = node.step(rest) {
            let dot = if found.is_empty() || step.starts_with('[') { "" } else { "." };
            found = format!("{found}{dot}{step}");
            (node, rest) = (next, after);
        }
        let place = if node.place.line == 0 { Place { line: 1, column: 1 } } else { node.place };
        (found, place)
    }

    /// A path as its keys are written here, whether or not its end was written down, and the place of the nearest part that was.
    pub fn spelt(&self, path: &str) -> (String, Place) {
        let (found, place) = self.nearest(path);
        let rest = path.get(found.len()..).unwrap_or_default();
        // One value in place of a list has no number.
        let rest = rest.strip_prefix("[0]").unwrap_or(rest);
        (found + rest, place)
    }

    /// The first step of a path: what follows it, the value, and the step as it is written.
    fn step<'a>(&self, path: &'a str) -> Option<(&'a str, &Self, String)> {
        match &self.value {
            Value::List(nodes) => {
                let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
                nodes.get(index.parse::<usize>().ok()?).map(|node| (rest, node, format!("[{index}]")))
            }
            Value::Map(entries) => {
                let path = path.strip_prefix('.').unwrap_or(path);
                // Keys may contain dots themselves: the longest one that fits is meant, and of those the one that is spelt so.
                let spelt = |key: &str| path.get(..key.len()).is_some_and(|start| start.replace('-', "_") == key.replace('-', "_"));
                let fits = |entry: &&Entry| {
                    spelt(&entry.key) && path.get(entry.key.len()..).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
                };
                let entry = entries.iter().filter(fits).max_by_key(|entry| (entry.key.len(), path.starts_with(&entry.key)))?;
                Some((&path[entry.key.len()..], &entry.node, entry.key.clone()))
            }
            _ => None,
        }
    }

    /// How many values it is made of, and how many bytes of text.
    pub fn size(&self) -> (usize, usize) {
        let sum = |nodes: &mut dyn Iterator<Item = &Self>| {
            nodes.map(Self::size).fold((1, 0), |(values, bytes), (more, larger)| (values + more, bytes + larger))
        };
        match &self.value {
            Value::List(nodes) => sum(&mut nodes.iter()),
            Value::Map(entries) => sum(&mut entries.iter().map(|entry| &entry.node)),
            Value::String(text) => (1, text.len()),
            Value::Binary(bytes) => (1, bytes.len()),
            Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) | Value::Unreadable(_) => (1, 0),
        }
    }

    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null | Value::Unreadable(_) => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Integer(value) => (*value).into(),
            Value::Float(value) => (*value).into(),
            Value::String(text) => text.clone().into(),
            Value::Binary(bytes) => String::from_utf8_lossy(bytes).into(),
            Value::List(nodes) => nodes.iter().map(Self::to_json).collect(),
            Value::Map(entries) => {
                let entries = entries.iter().map(|entry| (entry.key.clone(), entry.node.to_json()));
                serde_json::Value::Object(entries.collect())
            }
        }
    }
}
