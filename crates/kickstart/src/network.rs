//! The network, in the shape of netplan and of cloud-init's network version 2.

mod address;
mod interface;
mod overrides;
mod parameters;
mod route;
mod secret_key;
mod words;

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use address::{Address, Cidr, Lifetime};
pub use interface::{Bond, Bridge, Dummy, Ethernet, Match, Tunnel, VirtualEthernet, Vlan, Vrf};
pub use overrides::{Overrides, RaOverrides};
pub use parameters::{BondParameters, BridgeParameters, Time};
pub use route::{Route, Rule};
pub use secret_key::{Peer, PeerKeys, TunnelKeys};
pub use words::{
    Activation, AddressGeneration, DhcpIdentifier, Family, RuleKind, TunnelMode, VxLanChecksum, VxLanExtension, VxLanNotification,
};

pub(crate) use interface::{Link, Settings, only};

/// The network description, version 2.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Network {
    /// `2`, as a number or as text.
    pub version: Version,
    /// What configures the network: `networkd`, which is always the case.
    pub renderer: Option<Renderer>,
    /// The machine's name.
    pub hostname: Option<String>,
    /// Network cards, by names of your choice.
    pub ethernets: BTreeMap<String, Ethernet>,
    /// Several cards as one, by the names of their interfaces.
    pub bonds: BTreeMap<String, Bond>,
    /// Switches in software, by the names of their interfaces.
    pub bridges: BTreeMap<String, Bridge>,
    /// VLANs, by the names of their interfaces.
    pub vlans: BTreeMap<String, Vlan>,
    /// Tunnels, by the names of their interfaces.
    pub tunnels: BTreeMap<String, Tunnel>,
    /// Routing tables with interfaces of their own, by the names of their interfaces.
    pub vrfs: BTreeMap<String, Vrf>,
    /// Interfaces that lead nowhere, by their names.
    pub dummy_devices: BTreeMap<String, Dummy>,
    /// Pairs of interfaces that lead to each other, by their names.
    pub virtual_ethernets: BTreeMap<String, VirtualEthernet>,
}

/// The version of the description. There is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub enum Version {
    /// 2.
    #[default]
    #[serde(rename = "2")]
    Two,
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Version;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("2, the version of the network description")
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

/// What configures the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Renderer {
    /// systemd-networkd.
    Networkd,
}

impl Network {
    /// Leaves out the interface that a path is of, as [`crate::networkd::complaints`] gives it; whether there was one.
    pub fn leave_out(&mut self, path: &str) -> bool {
        fn remove<T>(interfaces: &mut BTreeMap<String, T>, path: &str) -> bool {
            // Names may contain dots: the longest one that fits is meant.
            let fits =
                |name: &&String| path.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
            let name = interfaces.keys().filter(fits).max_by_key(|name| name.len()).cloned();
            name.is_some_and(|name| interfaces.remove(&name).is_some())
        }
        let Some((table, rest)) = path.split_once('.') else { return false };
        match table {
            "ethernets" => remove(&mut self.ethernets, rest),
            "bonds" => remove(&mut self.bonds, rest),
            "bridges" => remove(&mut self.bridges, rest),
            "vlans" => remove(&mut self.vlans, rest),
            "tunnels" => remove(&mut self.tunnels, rest),
            "vrfs" => remove(&mut self.vrfs, rest),
            "dummy-devices" => remove(&mut self.dummy_devices, rest),
            "virtual-ethernets" => remove(&mut self.virtual_ethernets, rest),
            _ => false,
        }
    }

    /// Puts a route of no interface where its gateway is.
    ///
    /// # Errors
    /// When no interface has an address in the gateway's network, in a few words.
    pub fn add_route(&mut self, route: Route) -> Result<(), String> {
        let Some(via) = route.via else { return Err(format!("the route to `{}` has no gateway", route.to)) };
        let holder = self.settings().find(|(_, settings)| settings.addresses.iter().any(|address| address.cidr.contains(via)));
        let (_, settings) = holder.ok_or_else(|| format!("the route to `{}`: no address is in the network of its gateway", route.to))?;
        settings.routes.push(route);
        Ok(())
    }

    /// The settings of all interfaces, with their names.
    pub(crate) fn settings(&mut self) -> impl Iterator<Item = (&String, Settings<'_>)> {
        let cards = self.ethernets.iter_mut().map(|(name, card)| (name, card.settings()));
        let bonds = self.bonds.iter_mut().map(|(name, bond)| (name, bond.settings()));
        let bridges = self.bridges.iter_mut().map(|(name, bridge)| (name, bridge.settings()));
        let vlans = self.vlans.iter_mut().map(|(name, vlan)| (name, vlan.settings()));
        let tunnels = self.tunnels.iter_mut().map(|(name, tunnel)| (name, tunnel.settings()));
        let vrfs = self.vrfs.iter_mut().map(|(name, vrf)| (name, vrf.settings()));
        let dummies = self.dummy_devices.iter_mut().map(|(name, dummy)| (name, dummy.settings()));
        let pairs = self.virtual_ethernets.iter_mut().map(|(name, one)| (name, one.settings()));
        cards.chain(bonds).chain(bridges).chain(vlans).chain(tunnels).chain(vrfs).chain(dummies).chain(pairs)
    }
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
