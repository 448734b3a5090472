//! The network, in the shape of netplan and of cloud-init's network version 2.

mod address;
mod parameters;
mod secret_key;

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use address::{Address, Cidr, Lifetime};
pub use parameters::{BondParameters, BridgeParameters, Time};
pub use secret_key::{Peer, TunnelKeys};

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

macro_rules! devices {
    ($($(#[$about:meta])* $name:ident { $($(#[$meta:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
        pub struct $name {
            $($(#[$meta])* pub $field: $type,)*
            /// Whether an address is requested by DHCP.
            pub dhcp4: bool,
            /// Whether an address is requested by DHCPv6.
            pub dhcp6: bool,
            /// What of DHCP's answer is used.
            pub dhcp4_overrides: Overrides,
            /// What of DHCPv6's answer is used.
            pub dhcp6_overrides: Overrides,
            /// The DHCP client identifier: `mac`, or `duid`, the default.
            pub dhcp_identifier: Option<DhcpIdentifier>,
            /// Whether IPv6 router advertisements are accepted; default: the system's.
            pub accept_ra: Option<bool>,
            /// What of router advertisements is used.
            pub ra_overrides: RaOverrides,
            /// Which addresses of the link itself are made: `ipv4`, `ipv6`; default: `ipv6`.
            pub link_local: Option<Vec<Family>>,
            /// Whether temporary addresses of IPv6 are used.
            pub ipv6_privacy: Option<bool>,
            /// How the address of IPv6 is made: `eui64`, or `stable-privacy`.
            pub ipv6_address_generation: Option<AddressGeneration>,
            /// The host's part of the address of IPv6: `::7`.
            pub ipv6_address_token: Option<IpAddr>,
            /// The largest packet of IPv6, in bytes.
            pub ipv6_mtu: Option<u32>,
            /// Fixed addresses, each with its prefix length: `192.0.2.7/24`.
            pub addresses: Vec<Address>,
            /// The default gateway.
            pub gateway: Option<IpAddr>,
            /// The default gateway of IPv4, by netplan's name.
            pub gateway4: Option<IpAddr>,
            /// The default gateway of IPv6, by netplan's name.
            pub gateway6: Option<IpAddr>,
            /// Additional routes.
            pub routes: Vec<Route>,
            /// Which routing table is used for what.
            pub routing_policy: Vec<Rule>,
            /// The name servers.
            pub nameservers: Nameservers,
            /// The interface's own address: `00:50:56:01:02:03`.
            pub macaddress: Option<String>,
            /// The largest packet, in bytes.
            pub mtu: Option<u32>,
            /// Whether the start of the system does not wait for this interface.
            pub optional: Option<bool>,
            /// Whether the interface keeps its addresses when the network is stopped.
            pub critical: Option<bool>,
            /// Whether the interface is configured without a cable, too.
            pub ignore_carrier: Option<bool>,
            /// Whether the interface is switched on: `manual` leaves that to others, `off` keeps it off.
            pub activation_mode: Option<Activation>,
            /// What configures the interface: `networkd`, which is always the case.
            pub renderer: Option<Renderer>,
        }

        impl $name {
            /// What it has in common with others.
            pub(crate) fn link(&self) -> Link<'_> {
                Link {
                    dhcp: (self.dhcp4, self.dhcp6),
                    overrides: [&self.dhcp4_overrides, &self.dhcp6_overrides],
                    identifier: self.dhcp_identifier,
                    accept_ra: self.accept_ra,
                    ra_overrides: &self.ra_overrides,
                    link_local: self.link_local.as_deref(),
                    privacy: self.ipv6_privacy,
                    generation: self.ipv6_address_generation,
                    token: self.ipv6_address_token,
                    mtu: (self.mtu, self.ipv6_mtu),
                    addresses: &self.addresses,
                    gateways: [("gateway", self.gateway), ("gateway4", self.gateway4), ("gateway6", self.gateway6)],
                    routes: &self.routes,
                    rules: &self.routing_policy,
                    nameservers: &self.nameservers,
                    mac: self.macaddress.as_deref(),
                    is_optional: self.optional == Some(true),
                    is_critical: self.critical == Some(true),
                    ignores_carrier: self.ignore_carrier == Some(true),
                    activation: self.activation_mode,
                }
            }

            /// What of it is set by other descriptions, too.
            pub(crate) fn settings(&mut self) -> Settings<'_> {
                Settings {
                    dhcp4: &mut self.dhcp4,
                    dhcp6: &mut self.dhcp6,
                    accept_ra: &mut self.accept_ra,
                    addresses: &mut self.addresses,
                    gateways: [&mut self.gateway4, &mut self.gateway6],
                    routes: &mut self.routes,
                    nameservers: &mut self.nameservers,
                    mtu: &mut self.mtu,
                    mac: &mut self.macaddress,
                    optional: &mut self.optional,
                }
            }
        }
    )*};
}

/// What of an interface is set by other descriptions, too.
pub(crate) struct Settings<'a> {
    pub dhcp4: &'a mut bool,
    pub dhcp6: &'a mut bool,
    pub accept_ra: &'a mut Option<bool>,
    pub addresses: &'a mut Vec<Address>,
    pub gateways: [&'a mut Option<IpAddr>; 2],
    pub routes: &'a mut Vec<Route>,
    pub nameservers: &'a mut Nameservers,
    pub mtu: &'a mut Option<u32>,
    pub mac: &'a mut Option<String>,
    pub optional: &'a mut Option<bool>,
}

/// What all interfaces have in common.
pub(crate) struct Link<'a> {
    pub dhcp: (bool, bool),
    pub overrides: [&'a Overrides; 2],
    pub identifier: Option<DhcpIdentifier>,
    pub accept_ra: Option<bool>,
    pub ra_overrides: &'a RaOverrides,
    pub link_local: Option<&'a [Family]>,
    pub privacy: Option<bool>,
    pub generation: Option<AddressGeneration>,
    pub token: Option<IpAddr>,
    pub mtu: (Option<u32>, Option<u32>),
    pub addresses: &'a [Address],
    pub gateways: [(&'static str, Option<IpAddr>); 3],
    pub routes: &'a [Route],
    pub rules: &'a [Rule],
    pub nameservers: &'a Nameservers,
    pub mac: Option<&'a str>,
    pub is_optional: bool,
    pub is_critical: bool,
    pub ignores_carrier: bool,
    pub activation: Option<Activation>,
}

devices! {
    /// A network card.
    Ethernet {
        /// Which card it is; default: the one whose name is the key.
        #[serde(rename = "match")]
        matches: Option<Match>,
        /// The name the interface gets.
        set_name: Option<String>,
        /// Whether a packet for it switches the machine on.
        wakeonlan: Option<bool>,
        /// Whether neighbours are told who this is (LLDP).
        emit_lldp: Option<bool>,
        /// How many virtual functions the card is split into (SR-IOV).
        virtual_function_count: Option<u32>,
        /// The card whose virtual function this is: a key of `ethernets`.
        link: Option<String>,
        /// Whether the card checks sums of what it receives.
        receive_checksum_offload: Option<bool>,
        /// Whether the card writes sums into what it sends.
        transmit_checksum_offload: Option<bool>,
        /// Whether the card splits packets of TCP.
        tcp_segmentation_offload: Option<bool>,
        /// Whether the card splits packets of TCP over IPv6.
        tcp6_segmentation_offload: Option<bool>,
        /// Whether packets are split late.
        generic_segmentation_offload: Option<bool>,
        /// Whether packets are put together early.
        generic_receive_offload: Option<bool>,
        /// Whether the card puts packets together.
        large_receive_offload: Option<bool>,
    }
    /// Several cards as one.
    Bond {
        /// The cards: keys of other tables.
        interfaces: Vec<String>,
        /// How they work together.
        parameters: BondParameters,
    }
    /// A switch in software.
    Bridge {
        /// Its ports: keys of other tables.
        interfaces: Vec<String>,
        /// How it works.
        parameters: BridgeParameters,
    }
    /// A VLAN.
    Vlan {
        /// Its number, 1 to 4094.
        id: u16,
        /// The interface it is on: a key of another table.
        link: String,
    }
    /// A tunnel.
    Tunnel {
        /// Its kind.
        mode: Option<TunnelMode>,
        /// The address of this end.
        local: Option<IpAddr>,
        /// The address of the other end.
        remote: Option<IpAddr>,
        /// How many routers a packet passes at most.
        ttl: Option<u8>,
        /// Its key, or for WireGuard the private one: Base64, or the path of a file that contains it.
        key: Option<TunnelKeys>,
        /// As `key`: a table with `input` and `output`, or with `private`.
        keys: Option<TunnelKeys>,
        /// WireGuard: the mark of its packets.
        mark: Option<u32>,
        /// The port it listens on.
        port: Option<u16>,
        /// WireGuard: the other ends.
        peers: Vec<Peer>,
        /// VXLAN: its number.
        id: Option<u32>,
        /// VXLAN: the interface it is on.
        link: Option<String>,
    }
    /// A routing table with interfaces of its own.
    Vrf {
        /// The table's number.
        table: u32,
        /// Its interfaces: keys of other tables.
        interfaces: Vec<String>,
    }
    /// An interface that leads nowhere.
    Dummy {}
    /// One of two interfaces that lead to each other.
    VirtualEthernet {
        /// The other one: a key of this table.
        peer: String,
    }
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

/// The card; all keys that are set must match.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Match {
    /// The interface's name, in which `*` and `?` match any characters: `e*`.
    pub name: Option<String>,
    /// The card's address: `00:50:56:01:02:03`.
    pub macaddress: Option<String>,
    /// The kernel's driver: `vmxnet3`; or several.
    pub driver: Option<Vec<String>>,
}

macro_rules! words {
    ($($(#[$about:meta])* $name:ident { $($(#[$word_about:meta])* $word:ident = $text:literal,)* })*) => {$(
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
        pub enum $name {
            $($(#[$word_about])* #[serde(rename = $text)] $word,)*
        }

        impl $name {
            /// As it is written.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$word => $text,)* }
            }
        }
    )*};
}

words! {
    /// What DHCP is told this machine is.
    DhcpIdentifier {
        /// The card's address.
        Mac = "mac",
        /// An identifier of the machine.
        Duid = "duid",
    }
    /// A version of IP.
    Family {
        /// IPv4.
        Ipv4 = "ipv4",
        /// IPv6.
        Ipv6 = "ipv6",
    }
    /// How addresses of IPv6 are made.
    AddressGeneration {
        /// From the card's address.
        Eui64 = "eui64",
        /// From a secret and the network.
        StablePrivacy = "stable-privacy",
    }
    /// Whether an interface is switched on.
    Activation {
        /// By others.
        Manual = "manual",
        /// Never.
        Off = "off",
    }
    /// A kind of tunnel.
    TunnelMode {
        /// WireGuard.
        WireGuard = "wireguard",
        /// IPv4 and others in IPv4.
        Gre = "gre",
        /// Ethernet in IPv4.
        GreTap = "gretap",
        /// As `gre`, in IPv6.
        Ip6Gre = "ip6gre",
        /// As `gretap`, in IPv6.
        Ip6GreTap = "ip6gretap",
        /// IPv4 in IPv4.
        Ipip = "ipip",
        /// IPv4 in IPv6.
        Ipip6 = "ipip6",
        /// IPv6 in IPv6.
        Ip6Ip6 = "ip6ip6",
        /// IPv6 in IPv4.
        Sit = "sit",
        /// IPsec's, of IPv4.
        Vti = "vti",
        /// IPsec's, of IPv6.
        Vti6 = "vti6",
        /// Ethernet in UDP.
        VxLan = "vxlan",
    }
}

/// What of DHCP's answer is used, and what it is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Overrides {
    /// Whether its name servers are used.
    pub use_dns: Option<bool>,
    /// Whether its time servers are used.
    pub use_ntp: Option<bool>,
    /// Whether its name for this machine is used.
    pub use_hostname: Option<bool>,
    /// Whether its packet size is used.
    pub use_mtu: Option<bool>,
    /// Whether its routes are used.
    pub use_routes: Option<bool>,
    /// Whether its domains are searched; `route` uses its name servers for them only.
    pub use_domains: Option<String>,
    /// Whether it is told this machine's name.
    pub send_hostname: Option<bool>,
    /// The name it is told.
    pub hostname: Option<String>,
    /// The metric of its routes.
    pub route_metric: Option<u32>,
}

/// What of router advertisements is used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct RaOverrides {
    /// Whether their name servers are used.
    pub use_dns: Option<bool>,
    /// Whether their domains are searched; `route` uses their name servers for them only.
    pub use_domains: Option<String>,
    /// The routing table their routes are put into.
    pub table: Option<u32>,
}

/// A route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Route {
    /// The destination: a network such as `10.0.0.0/8`, or `default`.
    pub to: String,
    /// The gateway; without one, the destination is on the link itself.
    #[serde(default)]
    pub via: Option<IpAddr>,
    /// The address that packets are sent from.
    #[serde(default)]
    pub from: Option<IpAddr>,
    /// Whether the gateway is on the link although no address is in its network.
    #[serde(default)]
    pub on_link: Option<bool>,
    /// Routes with a lower metric are preferred.
    #[serde(default)]
    pub metric: Option<u32>,
    /// The kind: `unicast`, `blackhole`, `unreachable`, `prohibit`, `throw`, `local`, …
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// How far away the destination is: `global`, `link`, `host`.
    #[serde(default)]
    pub scope: Option<String>,
    /// The routing table's number.
    #[serde(default)]
    pub table: Option<u32>,
    /// The largest packet, in bytes.
    #[serde(default)]
    pub mtu: Option<u32>,
    /// The congestion window at first, in packets.
    #[serde(default)]
    pub congestion_window: Option<u32>,
    /// The receive window at first, in packets.
    #[serde(default)]
    pub advertised_receive_window: Option<u32>,
    /// The largest segment of TCP, in bytes.
    #[serde(default)]
    pub advertised_mss: Option<u32>,
}

/// Which routing table is used for what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Rule {
    /// Where packets come from.
    pub from: Option<String>,
    /// Where packets go to.
    pub to: Option<String>,
    /// The table.
    pub table: Option<u32>,
    /// Rules with a lower number are looked at first.
    pub priority: Option<u32>,
    /// The firewall's mark of packets.
    pub mark: Option<u32>,
    /// The type of service of packets.
    pub type_of_service: Option<u8>,
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
