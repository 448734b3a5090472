//! The network, in the shape of netplan and of cloud-init's network version 2.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The network description, version 2.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// `2`, as a number or as text.
    pub version: Version,
    /// The machine's name.
    #[serde(default)]
    pub hostname: Option<String>,
    /// Network cards, by names of your choice.
    #[serde(default)]
    pub ethernets: BTreeMap<String, Ethernet>,
    /// VLANs on them, by the names of their interfaces.
    #[serde(default)]
    pub vlans: BTreeMap<String, Vlan>,
}

/// The version of the description. There is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub enum Version {
    /// 2.
    #[serde(rename = "2")]
    Two,
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Version;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("2, the only supported version of the network description")
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Version, E> {
                if number == 2 { Ok(Version::Two) } else { Err(E::invalid_value(serde::de::Unexpected::Unsigned(number), &self)) }
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Version, E> {
                if text == "2" { Ok(Version::Two) } else { Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)) }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// A network card.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Ethernet {
    /// Which card it is; default: the one whose name is the key.
    #[serde(rename = "match")]
    pub matches: Option<Match>,
    /// Whether an address is requested by DHCP.
    pub dhcp4: bool,
    /// Whether an address is requested by DHCPv6.
    pub dhcp6: bool,
    /// Whether IPv6 router advertisements are accepted; default: the system's.
    pub accept_ra: Option<bool>,
    /// The DHCP client identifier: `mac`, or `duid`, the default.
    pub dhcp_identifier: Option<DhcpIdentifier>,
    /// Fixed addresses, each with its prefix length: `192.0.2.7/24`.
    pub addresses: Vec<Cidr>,
    /// The default gateway.
    pub gateway: Option<IpAddr>,
    /// The default gateway of IPv4, by netplan's name.
    pub gateway4: Option<IpAddr>,
    /// The default gateway of IPv6, by netplan's name.
    pub gateway6: Option<IpAddr>,
    /// Additional routes.
    pub routes: Vec<Route>,
    /// The name servers.
    pub nameservers: Nameservers,
    /// The largest packet, in bytes.
    pub mtu: Option<u32>,
}

/// A VLAN.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Vlan {
    /// Its number, 1 to 4094.
    pub id: u16,
    /// The card it is on: a key of `ethernets` whose `match` has a full `name`.
    pub link: String,
    /// Whether an address is requested by DHCP.
    #[serde(default)]
    pub dhcp4: bool,
    /// Whether an address is requested by DHCPv6.
    #[serde(default)]
    pub dhcp6: bool,
    /// Whether IPv6 router advertisements are accepted.
    #[serde(default)]
    pub accept_ra: Option<bool>,
    /// Fixed addresses, each with its prefix length.
    #[serde(default)]
    pub addresses: Vec<Cidr>,
    /// The default gateway.
    #[serde(default)]
    pub gateway: Option<IpAddr>,
    /// Additional routes.
    #[serde(default)]
    pub routes: Vec<Route>,
    /// The name servers.
    #[serde(default)]
    pub nameservers: Nameservers,
    /// The largest packet, in bytes.
    #[serde(default)]
    pub mtu: Option<u32>,
}

/// The card; all keys that are set must match.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Match {
    /// The interface's name, in which `*` and `?` match any characters: `e*`.
    pub name: Option<String>,
    /// The card's address: `00:50:56:01:02:03`.
    pub macaddress: Option<String>,
    /// The kernel's driver: `vmxnet3`.
    pub driver: Option<String>,
}

/// What DHCP is told this machine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DhcpIdentifier {
    /// The card's address.
    Mac,
    /// An identifier of the machine.
    Duid,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The destination: a network such as `10.0.0.0/8`, or `default`.
    pub to: String,
    /// The gateway.
    pub via: IpAddr,
    /// Routes with a lower metric are preferred.
    #[serde(default)]
    pub metric: Option<u32>,
}

/// The name servers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Nameservers {
    /// Their addresses.
    pub addresses: Vec<IpAddr>,
    /// Search domains for names without a domain.
    pub search: Vec<String>,
}

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
