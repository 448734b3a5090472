//! What serde is given of a list or a table, item by item.

use serde::de::value::StringDeserializer;
use serde::de::{self, DeserializeSeed, IntoDeserializer as _};

use super::{Entry, Error, Node, Reader};
use crate::document::Place;

/// The items of a list.
pub(super) struct Items<'r, 'a> {
    pub reader: &'r Reader<'a>,
    pub nodes: &'a [Node],
    pub index: usize,
}

impl<'de> de::SeqAccess<'de> for Items<'_, '_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        while let Some(node) = self.nodes.get(self.index) {
            let reader = self.reader.below(node, &format!("[{}]", self.index));
            self.index += 1;
            if !reader.is_cut() {
                let path = reader.path.clone();
                let result = seed.deserialize(reader).map_err(|error| error.located(&path, node.place));
                // The words of a command, the fields of a line: a list in a list means something as a whole only.
                let is_row = self.reader.path.ends_with(']');
                return result.map(Some).map_err(|error| if is_row { error.cutting(&self.reader.path, None) } else { error });
            }
        }
        Ok(None)
    }
}

/// A list of one.
pub(super) struct Single<'a>(pub Option<Reader<'a>>);

impl<'de> de::SeqAccess<'de> for Single<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        self.0.take().map(|reader| seed.deserialize(reader)).transpose()
    }
}

/// The entries of a table, by the fields that they are for.
pub(super) struct Entries<'r, 'a> {
    pub reader: &'r Reader<'a>,
    pub entries: Vec<(&'a str, &'a Entry)>,
    /// The struct they are of.
    pub of: Option<&'static str>,
    pub index: usize,
}

impl Entries<'_, '_> {
    /// The path and the place of the key that is next, or whose value is.
    pub fn current(&self) -> Option<(String, Place)> {
        let (_, entry) = self.entries.get(self.index)?;
        Some((self.reader.below(&entry.node, &entry.key).path, entry.place))
    }
}

impl<'de> de::MapAccess<'de> for Entries<'_, '_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some((key, entry)) = self.entries.get(self.index) else { return Ok(None) };
        let key: StringDeserializer<Error> = (*key).to_owned().into_deserializer();
        let path = self.reader.below(&entry.node, &entry.key).path;
        seed.deserialize(key).map(Some).map_err(|error| error.located(&path, entry.place))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let Some((key, entry)) = self.entries.get(self.index) else { return Err(de::Error::custom("a key without a value")) };
        self.index += 1;
        let reader = self.reader.below(&entry.node, &entry.key);
        let path = reader.path.clone();
        let result = seed.deserialize(reader).map_err(|error| error.located(&path, entry.node.place));
        let vital = self.of.and_then(|name| (self.reader.context.dialect.vital)(name, key));
        result.map_err(|error| if vital.is_some() { error.cutting(&self.reader.path, vital) } else { error })
    }
}
