//! Routing tables: their numbers, and the names of systemd.network(5) (`Table=`).

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Unexpected, Visitor};

const NAMES: [(&str, u32); 3] = [("default", 253), ("main", MAIN), ("local", 255)];

/// The table that is looked into unless rules say otherwise.
pub(crate) const MAIN: u32 = 254;

/// Reads the number or name of a table.
pub(super) fn table<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    Table::deserialize(deserializer).map(|Table(number)| number)
}

/// As [`table`], where there may be none.
pub(super) fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    Ok(Option::<Table>::deserialize(deserializer)?.map(|Table(number)| number))
}

struct Table(u32);

impl<'de> Deserialize<'de> for Table {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Table;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the number of a routing table, or `default`, `main` or `local`")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Table, E> {
                u32::try_from(number).map(Table).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Table, E> {
                u32::try_from(number).map(Table).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Table, E> {
                let by_name = NAMES.iter().find(|(name, _)| *name == text).map(|(_, number)| *number);
                let number = by_name.or_else(|| text.trim().parse().ok());
                let unknown =
                    || E::custom(format!("no routing table is called `{text}`: write its number, or `default`, `main` or `local`"));
                number.map(Table).ok_or_else(unknown)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}
