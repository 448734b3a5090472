//! Version 1 of cloud-init's network description, which Proxmox and others write, in terms of version 2.

mod address;
mod openstack;
mod parameters;
mod read;
mod translate;

use std::net::IpAddr;

use serde::Deserialize;

pub(crate) use self::address::cidr;
pub use self::openstack::NetworkData;
use self::parameters::Parameters;

/// The network description, version 1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct NetworkV1 {
    version: Option<u8>,
    config: Vec<EntryV1>,
}

/// An interface, or something for all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
struct EntryV1 {
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(default)]
    name: String,
    #[serde(default)]
    mac_address: Option<String>,
    #[serde(default)]
    mtu: Option<u32>,
    #[serde(default, rename = "accept-ra", alias = "accept_ra")]
    accept_ra: Option<bool>,
    #[serde(default)]
    optional: Option<bool>,
    #[serde(default)]
    keep_configuration: Option<bool>,
    #[serde(default)]
    wakeonlan: Option<bool>,
    #[serde(default)]
    subnets: Vec<Subnet>,
    #[serde(default)]
    bond_interfaces: Vec<String>,
    #[serde(default)]
    bridge_interfaces: Vec<String>,
    #[serde(default)]
    params: Parameters,
    #[serde(default)]
    vlan_link: String,
    #[serde(default)]
    vlan_id: u16,
    #[serde(default)]
    address: Vec<String>,
    #[serde(default)]
    search: Vec<String>,
    #[serde(default)]
    interface: Option<String>,
    #[serde(default)]
    destination: Option<String>,
    #[serde(default)]
    netmask: Option<String>,
    #[serde(default)]
    gateway: Option<IpAddr>,
    #[serde(default)]
    metric: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Physical,
    Loopback,
    Bond,
    Bridge,
    Vlan,
    Nameserver,
    Route,
}

/// How an interface gets addresses.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Subnet {
    #[serde(rename = "type")]
    kind: SubnetKind,
    #[serde(default)]
    address: Option<String>,
    #[serde(default)]
    netmask: Option<String>,
    #[serde(default)]
    gateway: Option<IpAddr>,
    #[serde(default)]
    dns_nameservers: Vec<String>,
    #[serde(default)]
    dns_search: Vec<String>,
    #[serde(default)]
    routes: Vec<RouteV1>,
    #[serde(default)]
    mtu: Option<u32>,
    #[serde(default)]
    metric: Option<u32>,
    #[serde(default)]
    control: Option<Control>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum SubnetKind {
    #[serde(rename = "dhcp", alias = "dhcp4")]
    Dhcp4,
    #[serde(rename = "dhcp6", alias = "ipv6_dhcpv6-stateful", alias = "ipv6_dhcpv6-stateless")]
    Dhcp6,
    #[serde(rename = "static", alias = "static6")]
    Static,
    #[serde(rename = "ipv6_slaac", alias = "slaac")]
    Slaac,
    #[serde(rename = "manual", alias = "loopback")]
    Manual,
}

/// Whether an interface is configured at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Control {
    Auto,
    Manual,
    Hotplug,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
struct RouteV1 {
    #[serde(alias = "network")]
    destination: String,
    #[serde(default)]
    netmask: Option<String>,
    #[serde(default)]
    prefix: Option<u8>,
    #[serde(default)]
    gateway: Option<IpAddr>,
    #[serde(default)]
    metric: Option<u32>,
}
