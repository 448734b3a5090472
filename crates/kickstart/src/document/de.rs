//! From a tree with places to a type, by serde.

use std::cell::RefCell;
use std::fmt::Display;

use serde::de::value::{StrDeserializer, StringDeserializer};
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, Expected, IntoDeserializer as _, Unexpected, Visitor};

use super::{Entry, Node, Place, Problem, Unsupported, Value};
use text::nearest;

/// The value, and the keys that are not known; or all that is wrong.
pub(super) fn read<T: DeserializeOwned>(node: &Node, unsupported: Unsupported) -> Result<(T, Vec<Problem>), Vec<Problem>> {
    let context = Context { unsupported, problems: RefCell::default() };
    let value = T::deserialize(Reader { node, path: String::new(), context: &context });
    let mut problems = context.problems.into_inner();
    match value {
        Ok(value) => Ok((value, sorted(problems))),
        Err(error) => {
            problems.push(error.located("", node.place).0);
            Err(sorted(problems))
        }
    }
}

fn sorted(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by_key(|problem| problem.place);
    problems
}

struct Context {
    unsupported: Unsupported,
    problems: RefCell<Vec<Problem>>,
}

/// A problem whose place is filled in on its way out: line 0 means not yet.
#[derive(Debug)]
struct Error(Problem);

impl Error {
    fn located(mut self, path: &str, place: Place) -> Self {
        if self.0.place.line == 0 {
            self.0.place = place;
            path.clone_into(&mut self.0.path);
        }
        self
    }

    fn with_hint(mut self, hint: Option<String>) -> Self {
        self.0.hint = hint;
        self
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.message)
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
        Unexpected::Unit | Unexpected::Option => "nothing",
        Unexpected::Seq => "a list",
        Unexpected::Map => "a table",
        _ => "something else",
    }
}

fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

impl de::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        Self(Problem::at(Place::default(), message.to_string()))
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format!("expected {expected}, found {}", kind(&unexpected)))
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        match unexpected {
            Unexpected::Unsigned(number) => Self::custom(format!("{number} is out of range: expected {expected}")),
            Unexpected::Signed(number) => Self::custom(format!("{number} is out of range: expected {expected}")),
            _ => Self::custom(format!("expected {expected}")),
        }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let hint = nearest(variant, expected.iter().copied()).map(|word| format!("did you mean `{word}`?"));
        Self::custom(format!("`{variant}` is not one of {}", listed(expected))).with_hint(hint)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::custom(format!("`{field}` is missing"))
    }
}

struct Reader<'a> {
    node: &'a Node,
    path: String,
    context: &'a Context,
}

impl<'a> Reader<'a> {
    fn below(&self, node: &'a Node, step: &str) -> Self {
        let dot = if self.path.is_empty() || step.starts_with('[') { "" } else { "." };
        Reader { node, path: format!("{}{dot}{step}", self.path), context: self.context }
    }

    fn visit<'de, V: Visitor<'de>>(self, visitor: V, fields: Option<(&'static str, &'static [&'static str])>) -> Result<V::Value, Error> {
        let (place, path) = (self.node.place, self.path.clone());
        let result = match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Integer(value) => match u64::try_from(*value) {
                Ok(value) => visitor.visit_u64(value),
                Err(_) => visitor.visit_i64(*value),
            },
            Value::Float(value) => visitor.visit_f64(*value),
            Value::String(value) => visitor.visit_str(value),
            Value::List(nodes) => visitor.visit_seq(Items { reader: &self, nodes, index: 0 }),
            Value::Map(entries) => {
                let known = entries.iter().filter(|entry| self.is_known(entry, fields)).collect();
                visitor.visit_map(Entries { reader: &self, entries: known, index: 0 })
            }
        };
        result.map_err(|error: Error| error.located(&path, place))
    }

    /// Whether a struct has a field of this name; if not, that is reported.
    fn is_known(&self, entry: &Entry, fields: Option<(&'static str, &'static [&'static str])>) -> bool {
        let Some((name, fields)) = fields else { return true };
        let key = entry.key.as_str();
        if fields.contains(&key) {
            return true;
        }
        let (message, hint) = match (self.context.unsupported)(name, key) {
            Some(reason) => (format!("`{key}` is not supported: {reason}"), None),
            None => {
                let near = nearest(key, fields.iter().copied()).map(|word| format!("did you mean `{word}`?"));
                ("unknown key".to_owned(), near.or_else(|| Some(format!("known here: {}", listed(fields)))))
            }
        };
        let path = self.below(&entry.node, key).path;
        self.context.problems.borrow_mut().push(Problem { path, place: entry.place, message, hint });
        false
    }
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.visit(visitor, None)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.node.value == Value::Null { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if matches!(self.node.value, Value::Map(_)) {
            return self.visit(visitor, Some((name, fields)));
        }
        let unexpected = match &self.node.value {
            Value::List(_) => Unexpected::Seq,
            Value::String(text) => Unexpected::Str(text),
            Value::Bool(value) => Unexpected::Bool(*value),
            Value::Null => Unexpected::Unit,
            _ => Unexpected::Signed(0),
        };
        Err(de::Error::invalid_type(unexpected, &"a table of keys")).map_err(|error: Error| error.located(&self.path, self.node.place))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(self, _: &'static str, _: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        let (place, path) = (self.node.place, self.path);
        let result = match &self.node.value {
            Value::String(text) => {
                let word: StrDeserializer<'_, Error> = text.as_str().into_deserializer();
                visitor.visit_enum(word)
            }
            _ => Err(de::Error::custom("expected one word")),
        };
        result.map_err(|error| error.located(&path, place))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map
        identifier ignored_any
    }
}

struct Items<'r, 'a> {
    reader: &'r Reader<'a>,
    nodes: &'a [Node],
    index: usize,
}

impl<'de> de::SeqAccess<'de> for Items<'_, '_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some(node) = self.nodes.get(self.index) else { return Ok(None) };
        let reader = self.reader.below(node, &format!("[{}]", self.index));
        self.index += 1;
        let path = reader.path.clone();
        seed.deserialize(reader).map(Some).map_err(|error| error.located(&path, node.place))
    }
}

struct Entries<'r, 'a> {
    reader: &'r Reader<'a>,
    entries: Vec<&'a Entry>,
    index: usize,
}

impl<'de> de::MapAccess<'de> for Entries<'_, '_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some(entry) = self.entries.get(self.index) else { return Ok(None) };
        let key: StringDeserializer<Error> = entry.key.clone().into_deserializer();
        let path = self.reader.below(&entry.node, &entry.key).path;
        seed.deserialize(key).map(Some).map_err(|error| error.located(&path, entry.place))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let Some(entry) = self.entries.get(self.index) else { return Err(de::Error::custom("a key without a value")) };
        self.index += 1;
        let reader = self.reader.below(&entry.node, &entry.key);
        let path = reader.path.clone();
        seed.deserialize(reader).map_err(|error| error.located(&path, entry.node.place))
    }
}
