//! OpenStack's network description, `network_data.json` of config drives, in terms of version 1, as cloud-init has it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Deserialize;

use super::parameters::{Parameters, Words};
use super::read::translated;
use super::{EntryV1, Kind, NetworkV1, RouteV1, Subnet, SubnetKind};
use crate::Network;
use crate::document::{Dialect, Document, Parsed, Problem, Problems, Unknown};

/// OpenStack's network description.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct NetworkData {
    links: Vec<LinkData>,
    networks: Vec<NetworkOfLink>,
    services: Vec<Service>,
}

/// A card, or what is made of cards.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct LinkData {
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    ethernet_mac_address: Option<String>,
    #[serde(default)]
    mtu: Option<u32>,
    #[serde(default)]
    bond_links: Vec<String>,
    #[serde(default)]
    bond_mode: Option<String>,
    #[serde(default)]
    bond_miimon: Option<String>,
    #[serde(default)]
    bond_lacp_rate: Option<String>,
    #[serde(default, alias = "bond_hash_policy")]
    bond_xmit_hash_policy: Option<String>,
    #[serde(default)]
    vlan_link: Option<String>,
    #[serde(default)]
    vlan_id: Option<u16>,
    #[serde(default)]
    vlan_mac_address: Option<String>,
}

/// An address of a link, or how it gets one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct NetworkOfLink {
    #[serde(rename = "type")]
    kind: NetworkKind,
    link: String,
    #[serde(default)]
    ip_address: Option<String>,
    #[serde(default)]
    netmask: Option<String>,
    #[serde(default)]
    gateway: Option<IpAddr>,
    #[serde(default)]
    routes: Vec<RouteData>,
    #[serde(default)]
    services: Vec<Service>,
    #[serde(default)]
    dns_nameservers: Vec<IpAddr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum NetworkKind {
    #[serde(rename = "ipv4", alias = "ipv6")]
    Static,
    #[serde(rename = "ipv4_dhcp")]
    Dhcp4,
    #[serde(rename = "ipv6_dhcp", alias = "ipv6_dhcpv6-stateful", alias = "ipv6_dhcpv6-stateless")]
    Dhcp6,
    #[serde(rename = "ipv6_slaac")]
    Slaac,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct RouteData {
    network: String,
    #[serde(default)]
    netmask: Option<String>,
    #[serde(default)]
    gateway: Option<IpAddr>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Service {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    address: Option<IpAddr>,
}

/// Descriptions have further keys, which name things of OpenStack.
const DIALECT: Dialect = Dialect {
    unsupported: |_, _| None,
    needless: |_, key| !key.starts_with("bond_"),
    vital: |of, key| match (of, key) {
        ("NetworkOfLink", "ip_address" | "netmask") => Some("the address"),
        ("RouteData", _) => Some("the route"),
        _ => None,
    },
    elsewhere: |_, _, _| None,
    unknown: |_| Unknown::Alone,
    short: |_| None,
    hyphens: false,
};

impl NetworkData {
    /// Whether a document is one, by its keys.
    pub fn is_it(parsed: &Parsed) -> bool {
        let keys = parsed.keys();
        keys.contains(&"links") && keys.contains(&"networks")
    }

    /// Reads a description: what of it can be used, and all that is wrong with it.
    pub fn read(parsed: Parsed) -> (Option<Network>, Option<Problems>) {
        let (document, problems) = parsed.known::<Self>(DIALECT, |_| Vec::new());
        let Some(document) = document else { return (None, problems) };
        let mut problems = problems.map(|problems| problems.problems).unwrap_or_default();
        let network = document.value.translated(&document, &mut problems);
        let problems = (!problems.is_empty()).then(|| document.problems(problems));
        (network, problems)
    }

    fn translated(&self, document: &Document<Self>, problems: &mut Vec<Problem>) -> Option<Network> {
        let names = self.names();
        let mut config: Vec<EntryV1> = self.links.iter().map(|link| entry(link, &names)).collect();
        // Where each subnet of each entry is described.
        let mut places: Vec<Vec<usize>> = vec![Vec::new(); config.len()];
        for (index, network) in self.networks.iter().enumerate() {
            match self.links.iter().position(|link| link.id == network.link) {
                Some(at) => {
                    config[at].subnets.push(subnet(network));
                    places[at].push(index);
                }
                None => {
                    let message = format!("`link`: no link is called `{}`", network.link);
                    problems.push(document.problem(&format!("networks[{index}]"), message, None));
                }
            }
        }
        let address = self.services.iter().filter_map(Service::dns).map(|address| address.to_string()).collect();
        config.push(EntryV1 { kind: Kind::Nameserver, address, ..EntryV1::default() });
        let nearest = |path: &str| document.nearest(&original(path, &places));
        let (network, told) = translated(&NetworkV1 { version: Some(1), config }, &nearest);
        problems.extend(told);
        let mut network = network?;
        // Cards keep their names, but for those that the description gives.
        for link in self.links.iter().filter(|link| link.name.is_none()) {
            if let Some(card) = network.ethernets.get_mut(&link.id) {
                card.set_name = None;
            }
        }
        Some(network)
    }

    /// The interfaces' names by the links' identifiers, which are of any length.
    fn names(&self) -> BTreeMap<&str, String> {
        let mut names = BTreeMap::new();
        let mut bonds = 0;
        for link in &self.links {
            let name = match (&link.name, link.kind()) {
                (Some(name), _) => name.clone(),
                (None, Kind::Bond) => {
                    bonds += 1;
                    format!("bond{}", bonds - 1)
                }
                (None, _) => link.id.clone(),
            };
            names.insert(link.id.as_str(), name);
        }
        for link in self.links.iter().filter(|link| link.kind() == Kind::Vlan && link.name.is_none()) {
            let number = link.vlan_id.unwrap_or_default();
            let below = self.links.iter().find(|other| Some(&other.id) == link.vlan_link.as_ref());
            let bond = below.filter(|below| below.kind() == Kind::Bond).and_then(|below| names.get(below.id.as_str()));
            let name = bond.map_or_else(|| format!("vlan{number}"), |bond| format!("{bond}.{number}"));
            let taken = names.values().filter(|other| **other == name || other.starts_with(&format!("{name}-"))).count();
            names.insert(&link.id, if taken == 0 { name } else { format!("{name}-{taken}") });
        }
        names
    }
}

impl LinkData {
    fn kind(&self) -> Kind {
        match self.kind.as_deref() {
            Some("bond") => Kind::Bond,
            Some("vlan") => Kind::Vlan,
            // All others say by what the hypervisor connects a card.
            Some(_) | None => Kind::Physical,
        }
    }
}

impl Service {
    fn dns(&self) -> Option<IpAddr> {
        self.address.filter(|_| self.kind == "dns")
    }
}

fn entry(link: &LinkData, names: &BTreeMap<&str, String>) -> EntryV1 {
    let named = |id: &String| names.get(id.as_str()).cloned().unwrap_or_else(|| id.clone());
    let kind = link.kind();
    let word = |key: &str, value: &Option<String>| Some((key.to_owned(), Words(vec![value.clone()?])));
    let params = [
        word("mode", &link.bond_mode),
        word("miimon", &link.bond_miimon),
        word("lacp-rate", &link.bond_lacp_rate),
        word("xmit-hash-policy", &link.bond_xmit_hash_policy),
    ];
    EntryV1 {
        kind,
        name: named(&link.id),
        mac_address: link.vlan_mac_address.clone().filter(|_| kind == Kind::Vlan).or_else(|| link.ethernet_mac_address.clone()),
        mtu: link.mtu,
        bond_interfaces: link.bond_links.iter().map(named).collect(),
        params: Parameters(params.into_iter().flatten().filter(|_| kind == Kind::Bond).collect()),
        vlan_link: link.vlan_link.as_ref().map(named).unwrap_or_default(),
        vlan_id: link.vlan_id.unwrap_or_default(),
        ..EntryV1::default()
    }
}

fn subnet(network: &NetworkOfLink) -> Subnet {
    let kind = match network.kind {
        NetworkKind::Static => SubnetKind::Static,
        NetworkKind::Dhcp4 => SubnetKind::Dhcp4,
        NetworkKind::Dhcp6 => SubnetKind::Dhcp6,
        NetworkKind::Slaac => SubnetKind::Slaac,
    };
    let route = |route: &RouteData| RouteV1 {
        destination: route.network.clone(),
        netmask: route.netmask.clone(),
        gateway: route.gateway,
        ..RouteV1::default()
    };
    let is_static = kind == SubnetKind::Static;
    let servers = network.services.iter().filter_map(Service::dns).chain(network.dns_nameservers.iter().copied());
    Subnet {
        kind,
        address: network.ip_address.clone().filter(|_| is_static),
        netmask: network.netmask.clone().filter(|_| is_static),
        gateway: network.gateway,
        dns_nameservers: servers.map(|address| address.to_string()).collect(),
        dns_search: Vec::new(),
        routes: network.routes.iter().map(route).collect(),
        mtu: None,
        metric: None,
        control: None,
    }
}

/// The path in the description of a path in version 1: `config[1].subnets[0].address` is in one of `networks`.
fn original(path: &str, places: &[Vec<usize>]) -> String {
    let number = |text: &str, key: &str| -> Option<(usize, String)> {
        let (number, rest) = text.strip_prefix(key)?.split_once(']')?;
        Some((number.parse().ok()?, rest.to_owned()))
    };
    let Some((entry, rest)) = number(path, "config[") else { return path.to_owned() };
    match number(&rest, ".subnets[").and_then(|(at, rest)| Some((places.get(entry)?.get(at)?, rest))) {
        Some((network, rest)) => {
            format!("networks[{network}]{}", rest.replace(".address", ".ip_address").replace(".destination", ".network"))
        }
        None => match rest.strip_prefix(".params.") {
            Some(parameter) => format!("links[{entry}].bond_{}", parameter.replace('-', "_")),
            None => {
                let own = [(".mac_address", ".ethernet_mac_address"), (".bond_interfaces", ".bond_links"), (".name", ".id")];
                let named = own.iter().find_map(|(key, name)| Some(format!("{name}{}", rest.strip_prefix(key)?)));
                format!("links[{entry}]{}", named.unwrap_or(rest))
            }
        },
    }
}
