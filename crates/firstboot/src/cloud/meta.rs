//! What a platform says of a system.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{Hostname, SshKey, Word};
use kickstart::document::{Dialect, Unknown};

/// What a platform says of a system.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct MetaData {
    /// Which system this is.
    #[serde(alias = "instance_id")]
    pub instance_id: Option<Word>,
    /// The same, as OpenStack has it.
    pub uuid: Option<Word>,
    /// Its name.
    #[serde(alias = "local_hostname")]
    pub local_hostname: Option<Hostname>,
    /// Its name.
    pub hostname: Option<Hostname>,
    /// Keys that may log in.
    #[serde(alias = "public_keys")]
    pub public_keys: Keys,
}

/// How it is read. Platforms put into it what they like, for templates.
pub(crate) const DIALECT: Dialect = Dialect {
    unsupported: |_, key| match key {
        "network-interfaces" | "network_interfaces" => Some("write the network as `network-config`, or below `network`"),
        "files" => Some("write files with `write_files` of user data"),
        _ => None,
    },
    needless: |_, key| {
        const KNOWN: [&str; 5] = ["instance-id", "local-hostname", "hostname", "public-keys", "network-interfaces"];
        text::nearest(key, KNOWN).is_none()
    },
    vital: |_, _| None,
    elsewhere: |_, _, _| None,
    unknown: |_| Unknown::Alone,
    short: |_| None,
    hyphens: true,
};

/// Public keys: a list, a text with a key in each line, or a table of names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys(pub Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Keys;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of public keys")
            }

            fn visit_unit<E: de::Error>(self) -> Result<Keys, E> {
                Ok(Keys::default())
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Keys, E> {
                let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
                if let [line] = lines[..] {
                    SshKey::try_from(Word(line.to_owned())).map_err(E::custom)?;
                }
                // Of several, those that are keys count, and the others are reported by their numbers.
                Ok(Keys(lines.into_iter().map(str::to_owned).collect()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Keys, A::Error> {
                let mut keys = Keys::default();
                while let Some(Keys(some)) = list.next_element()? {
                    keys.0.extend(some);
                }
                Ok(keys)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys = Keys::default();
                while let Some((_, Keys(some))) = map.next_entry::<String, Keys>()? {
                    keys.0.extend(some);
                }
                Ok(keys)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}
