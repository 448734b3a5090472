//! The network, in the shape of netplan and of cloud-init's network version 2.

mod address;
mod interface;
mod overrides;
mod parameters;
mod route;
mod secret_key;
mod table;
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
    Activation, AdSelect, AddressGeneration, ArpAllTargets, ArpValidate, BondMode, DhcpIdentifier, FailOverMac, Family, LacpRate,
    PrimaryReselect, RouteKind, RouteScope, RuleKind, TransmitHash, TunnelMode, VxLanChecksum, VxLanExtension, VxLanNotification,
};

pub(crate) use interface::{Link, Settings, only};
pub(crate) use table::MAIN as MAIN_TABLE;

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
    /// The key of the interface of this name: that of a card may be the one that it gets.
    pub fn interface(&self, name: &str) -> Option<&str> {
        let Self {
            version: _,
            renderer: _,
            hostname: _,
            ethernets,
            bonds,
            bridges,
            vlans,
            tunnels,
            vrfs,
            dummy_devices,
            virtual_ethernets,
        } = self;
        fn found<'a, T>(table: &'a BTreeMap<String, T>, name: &str) -> Option<&'a str> {
            table.get_key_value(name).map(|(key, _)| key.as_str())
        }
        let renamed = || ethernets.iter().find(|(_, card)| card.set_name.as_deref() == Some(name)).map(|(key, _)| key.as_str());
        found(ethernets, name)
            .or_else(|| found(bonds, name))
            .or_else(|| found(bridges, name))
            .or_else(|| found(vlans, name))
            .or_else(|| found(tunnels, name))
            .or_else(|| found(vrfs, name))
            .or_else(|| found(dummy_devices, name))
            .or_else(|| found(virtual_ethernets, name))
            .or_else(renamed)
    }

    /// Puts a route of no interface where its gateway is; the route's path.
    ///
    /// # Errors
    /// When no interface has an address in the gateway's network, in a few words.
    pub fn add_route(&mut self, route: Route) -> Result<String, String> {
        let Some(via) = route.via else { return Err(format!("the route to `{}` has no gateway", route.to)) };
        let holder = self.settings().find(|(.., settings)| settings.addresses.iter().any(|address| address.cidr.contains(via)));
        let (table, name, settings) =
            holder.ok_or_else(|| format!("the route to `{}`: no address is in the network of its gateway", route.to))?;
        settings.routes.push(route);
        Ok(format!("{table}.{name}.routes[{}]", settings.routes.len() - 1))
    }

    /// The settings of all interfaces, with the tables that they are in and their names.
    pub(crate) fn settings(&mut self) -> impl Iterator<Item = (&'static str, &String, Settings<'_>)> {
        let cards = self.ethernets.iter_mut().map(|(name, card)| ("ethernets", name, card.settings()));
        let bonds = self.bonds.iter_mut().map(|(name, bond)| ("bonds", name, bond.settings()));
        let bridges = self.bridges.iter_mut().map(|(name, bridge)| ("bridges", name, bridge.settings()));
        let vlans = self.vlans.iter_mut().map(|(name, vlan)| ("vlans", name, vlan.settings()));
        let tunnels = self.tunnels.iter_mut().map(|(name, tunnel)| ("tunnels", name, tunnel.settings()));
        let vrfs = self.vrfs.iter_mut().map(|(name, vrf)| ("vrfs", name, vrf.settings()));
        let dummies = self.dummy_devices.iter_mut().map(|(name, dummy)| ("dummy-devices", name, dummy.settings()));
        let pairs = self.virtual_ethernets.iter_mut().map(|(name, one)| ("virtual-ethernets", name, one.settings()));
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
