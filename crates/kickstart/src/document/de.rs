//! From a tree with places to a type, by serde.
//!
//! A value that does not fit is reported and left out, and the rest is read again without it: so all that is wrong is found, and whoever
//! wants what is right gets it.

mod access;

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, Deserializer, IntoDeserializer as _, Visitor};

use super::error::Error;
use super::{Complaint, Dialect, Entry, NUMERAL, Node, Problem, Unknown, Value};
use access::{Entries, Items, Single};
use text::nearest;

/// So many values that do not fit are looked for; a document with more is another kind of document.
const MOST: usize = 200;

/// What a type made of a tree.
pub(super) struct Outcome<T> {
    /// The value without what does not fit; nothing if what does not fit is all of it.
    pub value: Option<T>,
    /// What does not fit, and keys that are not known.
    pub problems: Vec<Problem>,
    /// The paths of what was left out.
    pub cut: Cut,
}

/// Paths of values that are not read.
#[derive(Clone, Debug, Default)]
pub(super) struct Cut(BTreeSet<String>);

impl Cut {
    /// Leaves out what is at a path, or if that is done already, what it is in; whether anything is left.
    fn add(&mut self, mut path: String) -> bool {
        while !path.is_empty() && !self.0.insert(path.clone()) {
            path.truncate(path.rfind(['.', '[']).unwrap_or(0));
        }
        !path.is_empty()
    }

    /// The path in the document of a path in the value, where the items that were left out do not count.
    pub fn original(&self, path: &str) -> String {
        let mut whole = String::new();
        let mut rest = path;
        while let Some((before, after)) = rest.split_once('[') {
            let Some((index, after)) = after.split_once(']') else { break };
            let Ok(index) = index.parse::<usize>() else { break };
            whole.push_str(before);
            let index = (0..).filter(|at| !self.0.contains(&format!("{whole}[{at}]"))).nth(index).unwrap_or(index);
            whole.push_str(&format!("[{index}]"));
            rest = after;
        }
        whole + rest
    }
}

/// Reads a tree. `check` tells what is wrong with a value beyond its types: what it names is left out as well.
pub(super) fn read<T: DeserializeOwned>(node: &Node, dialect: Dialect, check: impl Fn(&T) -> Vec<Complaint>) -> Outcome<T> {
    let mut cut = Cut::default();
    let (mut problems, mut unknown): (Vec<Problem>, Vec<Stranger>) = Default::default();
    for _ in 0..MOST {
        let context = Context { dialect, cut: &cut, unknown: RefCell::new(unknown) };
        let value = T::deserialize(Reader { node, path: String::new(), context: &context });
        unknown = context.unknown.into_inner();
        let (path, problem) = match value {
            Err(error) => {
                let error = error.located("", node.place);
                let is_slip =
                    error.missing().is_some_and(|(of, key)| unknown.iter().any(|other| other.of == of && other.meant == Some(key)));
                let (path, problem) = error.split(&cut.0);
                (path, problem.filter(|_| !is_slip))
            }
            Ok(value) => {
                let told = |complaint: &Complaint| {
                    let (path, place) = node.spelt(&cut.original(&complaint.path));
                    Problem { path, place, message: complaint.text(), hint: None }
                };
                let complaints = check(&value);
                match complaints.iter().find_map(|complaint| Some((complaint, complaint.cut()?))) {
                    None => {
                        problems.extend(complaints.iter().map(told));
                        return Outcome { value: Some(value), problems: sorted(problems, unknown), cut };
                    }
                    Some((first, lost)) => {
                        // What else is wrong with what is left out is not met again.
                        let others = complaints.iter().filter(|other| *other != first && other.cut() == Some(lost));
                        problems.extend(others.map(told));
                        (node.nearest(&cut.original(lost)).0, Some(told(first)))
                    }
                }
            }
        };
        problems.extend(problem);
        if !cut.add(path) {
            return Outcome { value: None, problems: sorted(problems, unknown), cut };
        }
    }
    problems.push(Problem::at(node.place, format!("more than {MOST} values do not fit: none of it is read")));
    Outcome { value: None, problems: sorted(problems, unknown), cut }
}

fn sorted(mut problems: Vec<Problem>, unknown: Vec<Stranger>) -> Vec<Problem> {
    problems.extend(unknown.into_iter().map(|key| key.problem));
    problems.sort_by_key(|problem| problem.place);
    problems
}

struct Context<'a> {
    dialect: Dialect,
    cut: &'a Cut,
    unknown: RefCell<Vec<Stranger>>,
}

/// What is said of a key because of which all that it belongs to is left out.
const ALL_LEFT_OUT: &str = "; all that it belongs to is left out";

/// A key that is not known.
struct Stranger {
    /// The path of the table it is in.
    of: String,
    /// The key that it may be a slip of.
    meant: Option<&'static str>,
    problem: Problem,
}

type Fields = (&'static str, &'static [&'static str]);

struct Reader<'a> {
    node: &'a Node,
    path: String,
    context: &'a Context<'a>,
}

impl<'a> Reader<'a> {
    fn below(&self, node: &'a Node, step: &str) -> Self {
        let dot = if self.path.is_empty() || step.starts_with('[') { "" } else { "." };
        Reader { node, path: format!("{}{dot}{step}", self.path), context: self.context }
    }

    fn is_cut(&self) -> bool {
        self.context.cut.0.contains(&self.path)
    }

    /// Hands a value on, and gives an error the place it is at.
    fn at_place<T>(&self, read: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        read().map_err(|error| error.located(&self.path, self.node.place))
    }

    fn wrong<T>(&self, wanted: &str) -> Result<T, Error> {
        let message = match &self.node.value {
            Value::Unreadable(message) => message.clone(),
            _ => format!("write {wanted}, not {}", self.node.kind()),
        };
        Err(<Error as de::Error>::custom(message).located(&self.path, self.node.place))
    }

    fn any<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.at_place(|| match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Integer(value) => match u64::try_from(*value) {
                Ok(value) => visitor.visit_u64(value),
                Err(_) => visitor.visit_i64(*value),
            },
            Value::Float(value) => visitor.visit_f64(*value),
            Value::String(value) => visitor.visit_str(value),
            Value::Binary(bytes) => visitor.visit_bytes(bytes),
            Value::Unreadable(message) => Err(de::Error::custom(message)),
            Value::List(nodes) => visitor.visit_seq(Items { reader: &self, nodes, index: 0 }),
            Value::Map(entries) => visitor.visit_map(self.entries(entries, None)),
        })
    }

    fn entries(&self, entries: &'a [Entry], fields: Option<Fields>) -> Entries<'_, 'a> {
        let known = entries.iter().filter_map(|entry| {
            // A key without a value says nothing; where keys are names, it is the name that counts.
            if fields.is_some() && entry.node.value == Value::Null && self.field(entry, fields).is_some() {
                return None;
            }
            Some((self.known(entry, fields)?, entry))
        });
        let known = known.filter(|(_, entry)| !self.below(&entry.node, &entry.key).is_cut()).collect();
        Entries { reader: self, entries: known, of: fields.map(|(name, _)| name), index: 0 }
    }

    /// The field an entry is for.
    fn field(&self, entry: &'a Entry, fields: Option<Fields>) -> Option<&'a str> {
        let Some((_, fields)) = fields else { return Some(&entry.key) };
        let plain = entry.key.replace('-', "_");
        let named = |key: &str| fields.iter().copied().find(|field| *field == key);
        named(&entry.key).or_else(|| named(&plain).filter(|_| self.context.dialect.hyphens))
    }

    /// As [`Self::field`]; a key that is for none is reported.
    fn known(&self, entry: &'a Entry, fields: Option<Fields>) -> Option<&'a str> {
        let found = self.field(entry, fields);
        let Some((name, fields)) = fields.filter(|_| found.is_none()) else { return found };
        let key = entry.key.as_str();
        let inner: Vec<&str> = entry.node.entries().iter().map(|entry| entry.key.as_str()).collect();
        let elsewhere = (self.context.dialect.elsewhere)(name, key, &inner);
        if elsewhere.is_some() || !(self.context.dialect.needless)(name, key) {
            let (message, hint, meant) = match ((self.context.dialect.unsupported)(name, key), elsewhere) {
                (_, Some(whole)) => ("it does not belong here".to_owned(), Some(format!("did you mean `{whole}`?")), None),
                (Some(reason), None) => (format!("`{key}` is not supported: {reason}"), None, None),
                (None, None) => {
                    let meant = nearest(key, fields.iter().copied());
                    let near = meant.map(|word| format!("did you mean `{word}`?"));
                    let known = || format!("known here: {}", super::error::listed_for(key, fields));
                    ("unknown key".to_owned(), near.or_else(|| Some(known())), meant)
                }
            };
            let problem = Problem { path: self.below(&entry.node, key).path, place: entry.place, message, hint };
            let mut all = self.context.unknown.borrow_mut();
            // It is met again each time the document is read without one more value.
            if !all.iter().any(|before| before.problem == problem) {
                all.push(Stranger { of: self.path.clone(), meant, problem });
            }
        }
        None
    }

    fn text<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Binary(bytes) => self.at_place(|| visitor.visit_bytes(bytes)),
            _ => match self.node.text() {
                Some(text) => self.at_place(|| visitor.visit_str(text)),
                None => self.wrong("text"),
            },
        }
    }

    fn integer<'de, V: Visitor<'de>>(self, least: i128, most: i128, visitor: V) -> Result<V::Value, Error> {
        let number = match &self.node.value {
            Value::Integer(number) => Some(i128::from(*number)),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let Some(number) = number else { return self.wrong("a whole number") };
        if number < least || number > most {
            let error: Error = de::Error::custom(format!("{number} is out of range: write {least} to {most}"));
            return Err(error.located(&self.path, self.node.place));
        }
        self.at_place(|| match (u64::try_from(number), i64::try_from(number)) {
            (Ok(number), _) => visitor.visit_u64(number),
            (_, Ok(number)) => visitor.visit_i64(number),
            _ => Err(de::Error::custom(format!("{number} is out of range"))),
        })
    }
}

macro_rules! integers {
    ($($method:ident $type:ty)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.integer(i128::from(<$type>::MIN), i128::from(<$type>::MAX), visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.node.value == Value::Null { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.node.flag() {
            Some(value) => self.at_place(|| visitor.visit_bool(value)),
            None => self.wrong("true or false"),
        }
    }

    integers! { deserialize_i8 i8 deserialize_i16 i16 deserialize_i32 i32 deserialize_i64 i64
    deserialize_u8 u8 deserialize_u16 u16 deserialize_u32 u32 deserialize_u64 u64 }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.text(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.text(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.text(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::List(nodes) => self.at_place(|| visitor.visit_seq(Items { reader: &self, nodes, index: 0 })),
            Value::Null => self.at_place(|| visitor.visit_seq(Items { reader: &self, nodes: &[], index: 0 })),
            Value::Map(_) | Value::Unreadable(_) => self.wrong("a list"),
            // One value where several may be.
            _ => self.at_place(|| visitor.visit_seq(Single(Some(Reader { path: self.path.clone(), ..self })))),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Map(entries) => self.at_place(|| visitor.visit_map(self.entries(entries, None))),
            Value::Null => self.at_place(|| visitor.visit_map(self.entries(&[], None))),
            // Programs whose tables are lists at first write an empty one so.
            Value::List(nodes) if nodes.is_empty() => self.at_place(|| visitor.visit_map(self.entries(&[], None))),
            _ => self.wrong("a table of keys"),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let entries = match &self.node.value {
            Value::Map(entries) => entries,
            Value::Null => &Vec::new(),
            Value::List(_) | Value::Unreadable(_) => return self.wrong("a table of keys"),
            _ => match (self.context.dialect.short)(name) {
                Some(key) => &vec![Entry { key: key.to_owned(), place: self.node.place, node: self.node.clone() }],
                None => return self.wrong("a table of keys"),
            },
        };
        let reader = Reader { node: self.node, path: self.path.clone(), context: self.context };
        let mut entries = reader.entries(entries, Some((name, fields)));
        // Of two values the last one counts: it is the first that the visitor sees, and what it calls a duplicate is the earlier one.
        entries.entries.reverse();
        let is_lost = match (self.context.dialect.unknown)(name) {
            Unknown::Alone => false,
            Unknown::Whole => true,
            Unknown::WholeIfEmpty => entries.entries.is_empty(),
        };
        if let Some(key) = self.context.unknown.borrow_mut().iter_mut().find(|key| key.of == self.path && is_lost) {
            if !key.problem.message.ends_with(ALL_LEFT_OUT) {
                key.problem.message.push_str(ALL_LEFT_OUT);
            }
            return Err(Error::reported().located(&self.path, self.node.place));
        }
        let result = visitor.visit_map(&mut entries);
        self.at_place(|| {
            result.map_err(|error| match entries.current() {
                Some((path, place)) if error.is_twice() => error.located(&path, place),
                _ => error,
            })
        })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Error> {
        if name == NUMERAL && self.node.text().is_some_and(|text| text.len() > 1 && text.starts_with('0')) {
            return self.text(visitor);
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(self, _: &'static str, _: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        let Some(text) = self.node.text() else { return self.wrong("one word") };
        self.at_place(|| {
            let word: StrDeserializer<'_, Error> = text.into_deserializer();
            visitor.visit_enum(word)
        })
    }

    serde::forward_to_deserialize_any! { i128 u128 f32 f64 char bytes unit unit_struct tuple tuple_struct identifier ignored_any }
}
