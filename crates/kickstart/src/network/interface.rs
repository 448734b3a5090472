//! Interfaces: what all have in common, and what each kind has besides.

use std::net::{IpAddr, Ipv6Addr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Activation, Address, AddressGeneration, BondParameters, BridgeParameters, DhcpIdentifier, Family, Nameservers, Overrides, Peer,
    RaOverrides, Renderer, Route, Rule, Time, TunnelKeys, TunnelMode, VxLanChecksum, VxLanExtension, VxLanNotification,
};

/// A pattern of what only this kind of interface has; what all have is [`Link`]'s. While a key is missing in it, it does not compile.
macro_rules! only {
    ($kind:ident { $($own:tt)* }) => {
        $crate::network::$kind {
            dhcp4: _, dhcp6: _, dhcp4_overrides: _, dhcp6_overrides: _, dhcp_identifier: _, accept_ra: _, ra_overrides: _, link_local: _,
            ipv6_privacy: _, ipv6_address_generation: _, ipv6_address_token: _, ipv6_mtu: _, addresses: _, gateway: _, gateway4: _,
            gateway6: _, routes: _, routing_policy: _, nameservers: _, macaddress: _, mtu: _, optional: _, critical: _, ignore_carrier: _,
            activation_mode: _, renderer: _, $($own)*
        }
    };
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
            pub ipv6_address_token: Option<Ipv6Addr>,
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
                // `networkd` is all that `renderer` may be; what only this kind has is its own file's.
                let Self {
                    dhcp4, dhcp6, dhcp4_overrides, dhcp6_overrides, dhcp_identifier, accept_ra, ra_overrides, link_local, ipv6_privacy,
                    ipv6_address_generation, ipv6_address_token, ipv6_mtu, addresses, gateway, gateway4, gateway6, routes, routing_policy,
                    nameservers, macaddress, mtu, optional, critical, ignore_carrier, activation_mode, renderer: _, $($field: _,)*
                } = self;
                Link {
                    dhcp: (*dhcp4, *dhcp6),
                    overrides: [dhcp4_overrides, dhcp6_overrides],
                    identifier: *dhcp_identifier,
                    accept_ra: *accept_ra,
                    ra_overrides,
                    link_local: link_local.as_deref(),
                    privacy: *ipv6_privacy,
                    generation: *ipv6_address_generation,
                    token: *ipv6_address_token,
                    mtu: (*mtu, *ipv6_mtu),
                    addresses,
                    gateways: [("gateway", *gateway), ("gateway4", *gateway4), ("gateway6", *gateway6)],
                    routes,
                    rules: routing_policy,
                    nameservers,
                    mac: macaddress.as_deref(),
                    is_optional: *optional == Some(true),
                    is_critical: *critical == Some(true),
                    ignores_carrier: *ignore_carrier == Some(true),
                    activation: *activation_mode,
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
                    critical: &mut self.critical,
                    overrides: [&mut self.dhcp4_overrides, &mut self.dhcp6_overrides],
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
    pub critical: &'a mut Option<bool>,
    pub overrides: [&'a mut Overrides; 2],
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
    pub token: Option<Ipv6Addr>,
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
        /// Its key, or for WireGuard the private one: the path of a file that contains it, or Base64, which a kickstart file must not contain. Also `keys`: a table with `input` and
        /// `output`, or with `private`.
        #[serde(alias = "keys")]
        #[schemars(extend("x-aliases" = ["keys"]))]
        key: Option<TunnelKeys>,
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
        /// VXLAN: whether addresses of the other ends are learnt.
        mac_learning: Option<bool>,
        /// VXLAN: how long addresses are remembered, in seconds.
        ageing: Option<Time>,
        /// VXLAN: how many addresses are remembered at most.
        limit: Option<u32>,
        /// VXLAN: whether questions for addresses are answered here.
        arp_proxy: Option<bool>,
        /// VXLAN: whether questions for addresses that are known are not sent on.
        neigh_suppress: Option<bool>,
        /// VXLAN: what programs are told of: `l2-miss`, `l3-miss`.
        notifications: Vec<VxLanNotification>,
        /// VXLAN: whether packets for this machine are routed at once.
        short_circuit: Option<bool>,
        /// VXLAN: which sums are written: `udp`, `zero-udp6-tx`, `zero-udp6-rx`, `remote-tx`, `remote-rx`.
        checksums: Vec<VxLanChecksum>,
        /// VXLAN: `group-policy`, `generic-protocol`.
        extensions: Vec<VxLanExtension>,
        /// VXLAN: the first and the last port that packets are sent from.
        port_range: Vec<u16>,
        /// VXLAN: the flow label of its packets, up to 1048575.
        flow_label: Option<u32>,
        /// VXLAN: the type of service of its packets.
        type_of_service: Option<u8>,
        /// VXLAN: whether its packets must not be divided.
        do_not_fragment: Option<bool>,
    }
    /// A routing table with interfaces of its own.
    Vrf {
        /// The table: its number, or a name as in a route.
        #[serde(deserialize_with = "super::table::table")]
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

pub(crate) use only;
