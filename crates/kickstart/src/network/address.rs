//! Addresses with their networks.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// An address and the length of its network's prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Cidr {
    /// The address.
    pub address: IpAddr,
    /// The prefix' length.
    pub prefix: u8,
}

impl Cidr {
    /// Whether an address is in the network.
    pub fn contains(self, address: IpAddr) -> bool {
        let (own, other, width) = match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => (u128::from(u32::from(own)), u128::from(u32::from(other)), 32),
            (IpAddr::V6(own), IpAddr::V6(other)) => (u128::from(own), u128::from(other), 128),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
        };
        let shift = width - u32::from(self.prefix);
        own.checked_shr(shift).unwrap_or(0) == other.checked_shr(shift).unwrap_or(0)
    }
}

impl FromStr for Cidr {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not an address with a prefix length, such as 192.0.2.7/24");
        let (address, prefix) = text.split_once('/').ok_or_else(wrong)?;
        let (address, prefix) = (address.parse::<IpAddr>().map_err(|_| wrong())?, prefix.parse::<u8>().map_err(|_| wrong())?);
        let longest = if address.is_ipv4() { 32 } else { 128 };
        if prefix <= longest { Ok(Self { address, prefix }) } else { Err(wrong()) }
    }
}

impl TryFrom<String> for Cidr {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Cidr> for String {
    fn from(cidr: Cidr) -> Self {
        cidr.to_string()
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// A fixed address: text, or a table of one key with options.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub struct Address {
    /// The address.
    pub cidr: Cidr,
    /// A name for it: `eth0:1`.
    pub label: Option<String>,
    /// How long it is used for new connections.
    pub lifetime: Option<Lifetime>,
}

/// How long an address is used for new connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Lifetime {
    /// Always.
    #[serde(rename = "forever")]
    Forever,
    /// Not at all.
    #[serde(rename = "0")]
    None,
}

impl From<Cidr> for Address {
    fn from(cidr: Cidr) -> Self {
        Self { cidr, label: None, lifetime: None }
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(|cidr: Cidr| cidr.into())
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.cidr.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        struct AddressOptions {
            label: Option<String>,
            lifetime: Option<Lifetime>,
        }
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Address;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an address with a prefix length, such as 192.0.2.7/24")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Address, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Address, A::Error> {
                let (cidr, options) = map.next_entry::<Cidr, AddressOptions>()?.ok_or_else(|| de::Error::custom("the table is empty"))?;
                if map.next_entry::<String, de::IgnoredAny>()?.is_some() {
                    return Err(de::Error::custom("write each address as an item of the list"));
                }
                Ok(Address { cidr, label: options.label, lifetime: options.lifetime })
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_contain_their_addresses() {
        let table = [
            ("192.0.2.7/24", "192.0.2.1", true),
            ("192.0.2.7/24", "192.0.3.1", false),
            ("0.0.0.0/0", "192.0.3.1", true),
            ("2001:db8::7/64", "2001:db8::1", true),
            ("2001:db8::7/128", "2001:db8::1", false),
            ("::/0", "192.0.2.1", false),
        ];
        for (network, address, expected) in table {
            assert_eq!(network.parse::<Cidr>().unwrap().contains(address.parse().unwrap()), expected, "{network} {address}");
        }
    }
}
