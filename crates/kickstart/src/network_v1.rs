//! Version 1 of cloud-init's network description, which Proxmox and others write, in terms of version 2.

mod openstack;
mod parameters;
mod read;

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Deserialize;

pub use self::openstack::NetworkData;
use self::parameters::{bond, bridge, wrong_parameters};
use crate::network::{Cidr, Ethernet, Match, Network, Route, Settings, Vlan};

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
    wakeonlan: Option<bool>,
    #[serde(default)]
    subnets: Vec<Subnet>,
    #[serde(default)]
    bond_interfaces: Vec<String>,
    #[serde(default)]
    bridge_interfaces: Vec<String>,
    #[serde(default)]
    params: BTreeMap<String, Words>,
    #[serde(default)]
    vlan_link: String,
    #[serde(default)]
    vlan_id: u16,
    #[serde(default)]
    address: Vec<IpAddr>,
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

/// A value that is passed on as text, or several.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
struct Words(Vec<String>);

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
    dns_nameservers: Vec<IpAddr>,
    #[serde(default)]
    dns_search: Vec<String>,
    #[serde(default)]
    routes: Vec<RouteV1>,
    #[serde(default)]
    mtu: Option<u32>,
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

/// Paths in the document, and what is wrong there.
type Wrong = Vec<(String, String)>;

/// A network of version 1 in terms of version 2.
#[derive(Default)]
struct Translation {
    network: Network,
    wrong: Wrong,
    /// The entries that interfaces come from, by the interfaces' names.
    entries: BTreeMap<String, usize>,
}

impl Translation {
    fn of(description: &NetworkV1) -> Self {
        let mut all = Self::default();
        let is_interface = |entry: &EntryV1| !matches!(entry.kind, Kind::Nameserver | Kind::Route);
        let entries = || description.config.iter().enumerate();
        entries().filter(|(_, entry)| is_interface(entry)).for_each(|(index, entry)| all.interface(index, entry.clone()));
        for (index, entry) in entries().filter(|(_, entry)| !is_interface(entry)) {
            if entry.kind == Kind::Nameserver {
                names(entry.clone(), &mut all.network);
            } else if let Some(reason) = global_route(entry.clone(), &mut all.network) {
                all.wrong.push((format!("config[{index}]"), reason));
            }
        }
        all
    }

    fn interface(&mut self, index: usize, mut entry: EntryV1) {
        let path = format!("config[{index}]");
        let name = std::mem::take(&mut entry.name);
        if name.is_empty() {
            self.wrong.push((path, "an interface has no `name`".to_owned()));
            return;
        }
        self.entries.insert(name.clone(), index);
        self.wrong.extend(wrong_parameters(&path, &entry));
        let network = &mut self.network;
        let settings = match entry.kind {
            Kind::Physical => network.ethernets.entry(name.clone()).or_insert_with(|| card(&name, &entry)).settings(),
            Kind::Bond => network.bonds.entry(name).or_insert_with(|| bond(&entry)).settings(),
            Kind::Bridge => network.bridges.entry(name).or_insert_with(|| bridge(&entry)).settings(),
            Kind::Vlan => {
                let vlan = Vlan { id: entry.vlan_id, link: entry.vlan_link.clone(), ..Vlan::default() };
                network.vlans.entry(name).or_insert(vlan).settings()
            }
            // It always has its addresses.
            Kind::Loopback | Kind::Nameserver | Kind::Route => return,
        };
        self.wrong.extend(apply(&path, entry, settings));
    }
}

/// A card by its address gets the name it is given, as cloud-init does it.
fn card(name: &str, entry: &EntryV1) -> Ethernet {
    let found = entry.mac_address.clone().map(|mac| Match { macaddress: Some(mac), ..Match::default() });
    let set_name = found.as_ref().map(|_| name.to_owned());
    Ethernet { matches: found, set_name, wakeonlan: entry.wakeonlan, ..Ethernet::default() }
}

/// Sets what all interfaces have.
fn apply(path: &str, entry: EntryV1, mut settings: Settings<'_>) -> Wrong {
    let mut wrong = Wrong::new();
    *settings.mtu = entry.mtu;
    *settings.accept_ra = entry.accept_ra;
    *settings.optional = entry.optional;
    if entry.kind != Kind::Physical && entry.mac_address.is_some() {
        *settings.mac = entry.mac_address;
    }
    for (index, each) in entry.subnets.into_iter().enumerate() {
        wrong.extend(subnet(&format!("{path}.subnets[{index}]"), each, &mut settings));
    }
    gateways_on_link(&mut settings);
    wrong
}

fn subnet(path: &str, subnet: Subnet, settings: &mut Settings<'_>) -> Wrong {
    let mut wrong = Wrong::new();
    // Interfaces are always configured at the start, as with netplan.
    let Subnet { kind, address, netmask, gateway, dns_nameservers, dns_search, routes, mtu, control: _ } = subnet;
    match kind {
        SubnetKind::Dhcp4 => *settings.dhcp4 = true,
        SubnetKind::Dhcp6 => *settings.dhcp6 = true,
        SubnetKind::Slaac => *settings.accept_ra = Some(true),
        SubnetKind::Static | SubnetKind::Manual => {}
    }
    let mut complain = |key: &str, message: String| wrong.push((format!("{path}.{key}"), message));
    let has_address = match (&address, netmask.as_deref()) {
        (None, _) => {
            if kind == SubnetKind::Static {
                complain("address", "a subnet of type `static` has no `address`".to_owned());
            }
            false
        }
        (Some(address), mask) => match cidr(address, mask.or(usual_prefix(address))) {
            Ok(cidr) => {
                if mask.is_none() && !address.contains('/') {
                    complain("address", format!("it has no prefix length, and becomes `{cidr}`"));
                }
                settings.addresses.push(cidr.into());
                true
            }
            Err(reason) => {
                complain("address", reason);
                false
            }
        },
    };
    match gateway.filter(|_| has_address || kind != SubnetKind::Static) {
        Some(gateway @ IpAddr::V4(_)) => *settings.gateways[0] = Some(gateway),
        Some(gateway @ IpAddr::V6(_)) => *settings.gateways[1] = Some(gateway),
        None => {}
    }
    settings.nameservers.addresses.extend(dns_nameservers);
    settings.nameservers.search.extend(words(dns_search));
    if mtu.is_some() {
        *settings.mtu = mtu;
    }
    for (index, each) in routes.iter().enumerate() {
        match route(each) {
            Ok(route) => settings.routes.push(route),
            Err(reason) => complain(&format!("routes[{index}]"), reason),
        }
    }
    wrong
}

/// The prefix length that cloud-init takes for an address without one.
fn usual_prefix(address: &str) -> Option<&'static str> {
    address.parse().ok().map(|address: IpAddr| if address.is_ipv4() { "24" } else { "64" })
}

/// Gateways outside of all networks of an interface are on the link, as cloud-init has it; and so are those of routes, for without that
/// they would lead nowhere.
fn gateways_on_link(settings: &mut Settings<'_>) {
    let is_reached = |gateway: IpAddr| match gateway {
        IpAddr::V4(_) => *settings.dhcp4,
        IpAddr::V6(gateway) => *settings.dhcp6 || gateway.is_unicast_link_local(),
    };
    for route in settings.routes.iter_mut() {
        let Some(via) = route.via else { continue };
        let is_own = settings.addresses.iter().any(|own| own.cidr.contains(via));
        if !is_own && !is_reached(via) {
            route.on_link = Some(true);
        }
    }
    for gateway in &mut settings.gateways {
        let Some(address) = **gateway else { continue };
        let mut same_family = settings.addresses.iter().filter(|own| own.cidr.address.is_ipv4() == address.is_ipv4()).peekable();
        let is_outside = same_family.peek().is_some() && !same_family.any(|own| own.cidr.contains(address));
        if is_outside && !is_reached(address) {
            **gateway = None;
            settings.routes.push(Route { to: "default".to_owned(), via: Some(address), on_link: Some(true), ..Route::default() });
        }
    }
}

/// Lists of names may be one text with blanks.
fn words(list: Vec<String>) -> Vec<String> {
    list.iter().flat_map(|text| text.split([' ', ','])).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// An address with its prefix, or with its network's mask apart.
pub(crate) fn cidr(address: &str, mask: Option<&str>) -> Result<Cidr, String> {
    if address.contains('/') {
        return address.parse();
    }
    let wrong = || format!("`{address}` needs a `netmask`, or a prefix length: `{address}/24`");
    let parsed: IpAddr = address.parse().map_err(|_| format!("`{address}` is not an address"))?;
    let prefix = match mask {
        Some(mask) => prefix(mask).ok_or_else(|| format!("`{mask}` is not a `netmask`"))?,
        None => return Err(wrong()),
    };
    format!("{parsed}/{prefix}").parse()
}

/// The length of a mask: `255.255.255.0`, `ffff::`, or `24`.
fn prefix(mask: &str) -> Option<u8> {
    if let Ok(length) = mask.trim_start_matches('/').parse() {
        return Some(length);
    }
    let (bits, width) = match mask.parse().ok()? {
        IpAddr::V4(mask) => (u128::from(u32::from(mask)) << 96, 32),
        IpAddr::V6(mask) => (u128::from(mask), 128),
    };
    let length = bits.leading_ones();
    let is_mask = bits.checked_shl(length).unwrap_or(0) == 0 && length <= width;
    u8::try_from(length).ok().filter(|_| is_mask)
}

fn route(given: &RouteV1) -> Result<Route, String> {
    let RouteV1 { destination, netmask, prefix, gateway, metric } = given;
    let mask = prefix.map(|prefix| prefix.to_string()).or_else(|| netmask.clone());
    let to = match destination.as_str() {
        "default" => "default".to_owned(),
        text if text.contains('/') || mask.is_none() => text.to_owned(),
        text => cidr(text, mask.as_deref())?.to_string(),
    };
    Ok(Route { to, via: *gateway, metric: *metric, ..Route::default() })
}

/// Name servers for one interface, or for all.
fn names(entry: EntryV1, network: &mut Network) {
    let search = words(entry.search);
    let has_addresses = |settings: &Settings<'_>| *settings.dhcp4 || *settings.dhcp6 || !settings.addresses.is_empty();
    let nobody = !network.settings().any(|(_, settings)| has_addresses(&settings));
    for (name, settings) in network.settings() {
        // Ports of bonds and bridges ask nobody.
        let is_meant = entry.interface.as_ref().map_or_else(|| nobody || has_addresses(&settings), |interface| interface == name);
        if is_meant {
            settings.nameservers.addresses.extend(&entry.address);
            settings.nameservers.search.extend(search.iter().cloned());
        }
    }
}

/// A route of no interface: it is put where its gateway is.
fn global_route(entry: EntryV1, network: &mut Network) -> Option<String> {
    let Some(destination) = entry.destination else { return Some("a route has no `destination`".to_owned()) };
    let given = RouteV1 { destination, netmask: entry.netmask, prefix: None, gateway: entry.gateway, metric: entry.metric };
    let route = match route(&given) {
        Ok(route) => route,
        Err(reason) => return Some(reason),
    };
    network.add_route(route).err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_have_lengths() {
        let table = [
            ("255.255.255.0", Some(24)),
            ("24", Some(24)),
            ("255.255.0.255", None),
            ("ffff:ffff::", Some(32)),
            ("0.0.0.0", Some(0)),
            ("x", None),
        ];
        for (mask, length) in table {
            assert_eq!(prefix(mask), length, "{mask}");
        }
    }
}
