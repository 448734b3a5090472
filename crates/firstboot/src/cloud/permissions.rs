//! The permissions and the owner of a file.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

use super::Word;
use kickstart::document::NUMERAL;
use kickstart::is_account_name;

/// Permission bits: `'0644'`, or `0o644`. A number without a zero before it is decimal, as programs write it: 420. One too large to be
/// that can only have been meant by its digits: 644.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permissions {
    /// The bits.
    pub bits: u32,
    /// The decimal number they were written as, if it may have been meant otherwise.
    pub doubtful: Option<u64>,
}

/// All bits for reading, writing and running.
const ALL_BITS: u64 = 0o777;

impl Permissions {
    fn of_digits(digits: &str) -> Option<u32> {
        let digits = digits.trim().trim_start_matches("0o");
        let is_octal = !digits.is_empty() && digits.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
        u32::from_str_radix(digits, 8).ok().filter(|bits| is_octal && *bits <= 0o7777)
    }

    fn of_number(number: u64) -> Option<Self> {
        let by_digits = Self::of_digits(&number.to_string());
        match u32::try_from(number) {
            Ok(bits) if number <= ALL_BITS => {
                let is_doubtful = by_digits.is_some_and(is_usual) || !is_usual(bits);
                Some(Self { bits, doubtful: is_doubtful.then_some(number) })
            }
            _ => by_digits.map(|bits| Self { bits, doubtful: Some(number) }),
        }
    }

    /// What is said of a number that may have been meant otherwise.
    pub fn doubt(self) -> Option<String> {
        let number = self.doubtful?;
        let Self { bits, .. } = self;
        Some(if number <= ALL_BITS {
            format!("`permissions`: {number} without quotes is a decimal number, and means '{bits:04o}': write that, or '{number:04}'")
        } else {
            let decimal = if number <= 0o7777 { format!(" '{number:04o}'") } else { " none".to_owned() };
            format!(
                "`permissions`: {number} without quotes is a decimal number, which as permissions would be{decimal}: \
                 '{bits:04o}' is used; write it so"
            )
        })
    }
}

/// Whether bits are what people give: the owner may read, and nobody has what those before them have not.
fn is_usual(bits: u32) -> bool {
    let [owner, group, others] = [bits >> 6, (bits >> 3) & 7, bits & 7];
    let reads = |class: u32| class == 0 || class & 4 != 0;
    (4..=7).contains(&owner) && reads(group) && reads(others) && group & !owner == 0 && others & !group == 0
}

impl<'de> Deserialize<'de> for Permissions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Permissions;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("permission bits such as '0644'")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Permissions, D::Error> {
                deserializer.deserialize_any(self)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Permissions, E> {
                let bits = Permissions::of_digits(text);
                bits.map(|bits| Permissions { bits, doubtful: None }).ok_or_else(|| E::custom("write permission bits such as '0644'"))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Permissions, E> {
                Permissions::of_number(number).ok_or_else(|| E::custom("write permission bits such as '0644'"))
            }
        }
        deserializer.deserialize_newtype_struct(NUMERAL, Reader)
    }
}

/// Who a file belongs to: `user:group`, either of them by name or number.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Word")]
pub struct Owner(pub String);

impl TryFrom<Word> for Owner {
    type Error = String;

    fn try_from(Word(text): Word) -> Result<Self, String> {
        // cloud-init's words for one that stays as it is.
        let named = |part: &str| if matches!(part, "-1" | "none" | "None") { String::new() } else { part.to_owned() };
        let parts: Vec<String> = text.split(':').map(|part| named(part.trim())).collect();
        let is_part = |part: &String| part.is_empty() || is_account_name(part) || part.parse::<u32>().is_ok();
        if parts.len() > 2 || !parts.iter().all(is_part) {
            return Err(format!("`{text}` is not `user`, `user:group` or `:group`: the file stays root's"));
        }
        let has_group = parts.get(1).is_some_and(|group| !group.is_empty());
        Ok(Self(if has_group { parts.join(":") } else { parts[0].clone() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_decimal_and_doubts_are_told() {
        let table = [
            ("\"0644\"", 0o644, false),
            ("\"0o600\"", 0o600, false),
            ("\"420\"", 0o420, false),
            ("\"01777\"", 0o1777, false),
            ("420", 0o644, false),
            ("384", 0o600, false),
            ("493", 0o755, false),
            ("256", 0o400, false),
            ("644", 0o644, true),
            ("600", 0o600, true),
            ("1777", 0o1777, true),
            ("400", 0o620, true),
            ("440", 0o670, true),
            ("500", 0o764, true),
            ("9", 0o11, true),
        ];
        for (text, bits, is_doubtful) in table {
            let permissions = serde_json::from_str::<Permissions>(text).unwrap();
            assert_eq!((permissions.bits, permissions.doubt().is_some()), (bits, is_doubtful), "{text}");
        }
        for text in ["\"9\"", "\"77777\"", "\"+644\"", "\"\"", "888", "0.5", "[]"] {
            assert!(serde_json::from_str::<Permissions>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn owners_have_one_colon() {
        let table = [
            ("root:root", Some("root:root")),
            ("dev", Some("dev")),
            (":adm", Some(":adm")),
            ("dev:", Some("dev")),
            ("1000:1000", Some("1000:1000")),
            ("dev:-1", Some("dev")),
            ("a : b", Some("a:b")),
            ("", Some("")),
            ("a:b:c", None),
            ("--reference=/etc/shadow", None),
            ("a b", None),
        ];
        for (text, expected) in table {
            assert_eq!(Owner::try_from(Word(text.into())).ok().map(|owner| owner.0).as_deref(), expected, "{text}");
        }
    }
}
