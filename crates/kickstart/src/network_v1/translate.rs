//! From version 1 to version 2.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::address::{addresses, cidr, usual_prefix, words};
use super::parameters::Parameters;
use super::{EntryV1, Kind, NetworkV1, RouteV1, Subnet, SubnetKind};
use crate::document::Complaint;
use crate::network::{Bond, Bridge, Cidr, Ethernet, Match, Network, Route, Settings, Vlan};
use crate::networkd;

/// A network of version 1 in terms of version 2.
#[derive(Default)]
pub(super) struct Translation {
    pub network: Network,
    pub wrong: Vec<Complaint>,
    pub origins: Origins,
    /// What is set of bonds and bridges besides, by their paths: it is read as version 2.
    pub parameters: BTreeMap<String, Parameters>,
}

/// The interface by which a machine speaks to itself.
const LOOPBACK: &str = "lo";

/// Paths of version 1 by paths of version 2.
#[derive(Default)]
pub(super) struct Origins(BTreeMap<String, String>);

impl Origins {
    pub fn put(&mut self, path: impl Into<String>, origin: impl Into<String>) {
        self.0.insert(path.into(), origin.into());
    }

    /// Notes where an interface is from, and what of it is called otherwise there.
    fn interface(&mut self, to: &str, from: &str, entry: &EntryV1) {
        self.put(to, from);
        let (members, count) = match entry.kind {
            Kind::Bond => ("bond_interfaces", entry.bond_interfaces.len()),
            Kind::Bridge | Kind::Physical | Kind::Loopback | Kind::Vlan | Kind::Nameserver | Kind::Route => {
                ("bridge_interfaces", entry.bridge_interfaces.len())
            }
        };
        for (key, origin) in [
            ("match", "mac_address"),
            ("set-name", "name"),
            ("mtu", "mtu"),
            ("macaddress", "mac_address"),
            ("interfaces", members),
            ("id", "vlan_id"),
            ("link", "vlan_link"),
        ] {
            self.put(format!("{to}.{key}"), format!("{from}.{origin}"));
        }
        for index in 0..count {
            self.put(format!("{to}.interfaces[{index}]"), format!("{from}.{members}[{index}]"));
        }
    }

    /// Where a value comes from, or else what it is in.
    pub fn of(&self, path: &str) -> &str {
        let mut rest = path;
        loop {
            if let Some(origin) = self.0.get(rest) {
                return origin;
            }
            let Some(end) = rest.rfind(['.', '[']) else { return "" };
            rest = &rest[..end];
        }
    }
}

impl Translation {
    pub fn of(description: &NetworkV1) -> Self {
        let mut all = Self::default();
        let is_interface = |entry: &EntryV1| !matches!(entry.kind, Kind::Nameserver | Kind::Route);
        let entries = || description.config.iter().enumerate();
        for (index, entry) in entries().filter(|(_, entry)| is_interface(entry)) {
            all.interface(format!("config[{index}]"), entry.clone());
        }
        for (index, entry) in entries().filter(|(_, entry)| !is_interface(entry)) {
            let path = format!("config[{index}]");
            if entry.kind == Kind::Nameserver {
                all.names(&path, entry);
            } else if let Err(reason) = all.global_route(&path, entry.clone()) {
                all.wrong.push(Complaint::value(path, reason));
            }
        }
        all
    }

    fn interface(&mut self, path: String, mut entry: EntryV1) {
        let name = std::mem::take(&mut entry.name);
        if name.is_empty() {
            self.wrong.push(Complaint::value(path, "an interface has no `name`"));
            return;
        }
        if entry.kind == Kind::Physical && entry.mac_address.as_ref().is_some_and(|text| !networkd::is_mac(text)) {
            entry.mac_address = None;
            let message = format!("{}: the card is known by its name", networkd::NO_MAC);
            self.wrong.push(Complaint::value(format!("{path}.mac_address"), message));
        }
        let params = std::mem::take(&mut entry.params);
        let Some((table, settings)) = added(&mut self.network, &name, &entry) else { return };
        let to = format!("{table}.{name}");
        self.origins.interface(&to, &path, &entry);
        let at = At { to: &to, from: &path, origins: &mut self.origins };
        self.wrong.extend(apply(at, entry, settings));
        self.parameters.insert(to, params);
    }
}

/// Adds an interface to a network, if it is one of those that are described: its table, and its settings.
fn added<'a>(network: &'a mut Network, name: &str, entry: &EntryV1) -> Option<(&'static str, Settings<'a>)> {
    let name = name.to_owned();
    match entry.kind {
        // It always has its own addresses.
        Kind::Loopback if !entry.subnets.iter().any(|subnet| subnet.address.is_some()) => None,
        Kind::Physical | Kind::Loopback => {
            let card = card(&name, entry);
            Some(("ethernets", network.ethernets.entry(name).or_insert(card).settings()))
        }
        Kind::Bond => {
            let bond = Bond { interfaces: entry.bond_interfaces.clone(), ..Bond::default() };
            Some(("bonds", network.bonds.entry(name).or_insert(bond).settings()))
        }
        Kind::Bridge => {
            let bridge = Bridge { interfaces: entry.bridge_interfaces.clone(), ..Bridge::default() };
            Some(("bridges", network.bridges.entry(name).or_insert(bridge).settings()))
        }
        Kind::Vlan => {
            let vlan = Vlan { id: entry.vlan_id, link: entry.vlan_link.clone(), ..Vlan::default() };
            Some(("vlans", network.vlans.entry(name).or_insert(vlan).settings()))
        }
        Kind::Nameserver | Kind::Route => None,
    }
}

/// A card by its address gets the name it is given, as cloud-init does it.
fn card(name: &str, entry: &EntryV1) -> Ethernet {
    let found = entry.mac_address.clone().map(|mac| Match { macaddress: Some(mac), ..Match::default() });
    let set_name = found.as_ref().map(|_| name.to_owned());
    Ethernet { matches: found, set_name, wakeonlan: entry.wakeonlan, ..Ethernet::default() }
}

/// What is translated: its path in version 2, and that of the part of version 1 that it is from.
struct At<'a> {
    to: &'a str,
    from: &'a str,
    origins: &'a mut Origins,
}

impl At<'_> {
    /// Notes where a value is from.
    fn put(&mut self, key: &str, origin: &str) {
        self.origins.put(format!("{}.{key}", self.to), format!("{}.{origin}", self.from));
    }
}

/// Sets what all interfaces have.
fn apply(at: At<'_>, entry: EntryV1, mut settings: Settings<'_>) -> Vec<Complaint> {
    let mut wrong = Vec::new();
    *settings.mtu = entry.mtu;
    *settings.accept_ra = entry.accept_ra;
    *settings.optional = entry.optional;
    *settings.critical = entry.keep_configuration;
    if entry.kind != Kind::Physical && entry.mac_address.is_some() {
        *settings.mac = entry.mac_address;
    }
    for (index, each) in entry.subnets.into_iter().enumerate() {
        let from = format!("{}.subnets[{index}]", at.from);
        wrong.extend(subnet(At { to: at.to, from: &from, origins: at.origins }, each, &mut settings));
    }
    gateways_on_link(at.to, at.origins, &mut settings);
    wrong
}

fn subnet(mut at: At<'_>, subnet: Subnet, settings: &mut Settings<'_>) -> Vec<Complaint> {
    let mut wrong = Vec::new();
    // Interfaces are always configured at the start, as with netplan.
    let Subnet { kind, address, netmask, gateway, dns_nameservers, dns_search, routes, mtu, metric, control: _ } = subnet;
    match kind {
        SubnetKind::Dhcp4 => {
            *settings.dhcp4 = true;
            settings.overrides[0].route_metric = metric;
        }
        SubnetKind::Dhcp6 => {
            *settings.dhcp6 = true;
            settings.overrides[1].route_metric = metric;
        }
        SubnetKind::Slaac => *settings.accept_ra = Some(true),
        SubnetKind::Static | SubnetKind::Manual => {}
    }
    let has_address = match own_address(at.from, kind, address.as_deref(), netmask.as_deref(), &mut wrong) {
        Some(cidr) => {
            at.put(&format!("addresses[{}]", settings.addresses.len()), "address");
            settings.addresses.push(cidr.into());
            true
        }
        None => false,
    };
    if let Some(gateway) = gateway.filter(|_| has_address || kind != SubnetKind::Static) {
        own_gateway(&mut at, gateway, metric, settings);
    }
    let from = at.from.to_owned();
    for (index, address) in addresses(&format!("{from}.dns_nameservers"), &dns_nameservers, &mut wrong) {
        at.put(&format!("nameservers.addresses[{}]", settings.nameservers.addresses.len()), &format!("dns_nameservers[{index}]"));
        settings.nameservers.addresses.push(address);
    }
    for (index, domain) in words(&dns_search) {
        at.put(&format!("nameservers.search[{}]", settings.nameservers.search.len()), &format!("dns_search[{index}]"));
        settings.nameservers.search.push(domain);
    }
    if mtu.is_some() {
        *settings.mtu = mtu;
        at.put("mtu", "mtu");
    }
    for (index, each) in routes.iter().enumerate() {
        let origin = format!("routes[{index}]");
        match route(each) {
            Ok(route) => {
                let to = format!("routes[{}]", settings.routes.len());
                at.put(&to, &origin);
                at.put(&format!("{to}.to"), &format!("{origin}.destination"));
                at.put(&format!("{to}.via"), &format!("{origin}.gateway"));
                settings.routes.push(route);
            }
            Err(reason) => wrong.push(Complaint::value(format!("{from}.{origin}"), format!("{reason}; the route is left out"))),
        }
    }
    wrong
}

/// The address of a subnet, if it has one.
fn own_address(path: &str, kind: SubnetKind, address: Option<&str>, mask: Option<&str>, wrong: &mut Vec<Complaint>) -> Option<Cidr> {
    let mut complain = |message: String| wrong.push(Complaint::value(format!("{path}.address"), message));
    let Some(address) = address else {
        if kind == SubnetKind::Static {
            complain("a subnet of type `static` has no `address`".to_owned());
        }
        return None;
    };
    match cidr(address, mask.or(usual_prefix(address))) {
        Ok(cidr) => {
            if mask.is_none() && !address.contains('/') {
                complain(format!("it has no prefix length, and becomes `{cidr}`"));
            }
            Some(cidr)
        }
        Err(reason) => {
            complain(reason);
            None
        }
    }
}

/// A gateway with a metric is a route of its own.
fn own_gateway(at: &mut At<'_>, gateway: IpAddr, metric: Option<u32>, settings: &mut Settings<'_>) {
    if metric.is_some() {
        let to = format!("routes[{}]", settings.routes.len());
        at.put(&to, "gateway");
        settings.routes.push(Route { to: "default".to_owned(), via: Some(gateway), metric, ..Route::default() });
        return;
    }
    let (index, key) = if gateway.is_ipv4() { (0, "gateway4") } else { (1, "gateway6") };
    *settings.gateways[index] = Some(gateway);
    at.put(key, "gateway");
}

/// Gateways outside of all networks of an interface are on the link, as cloud-init has it; and so are those of routes, for without that
/// they would lead nowhere.
fn gateways_on_link(path: &str, origins: &mut Origins, settings: &mut Settings<'_>) {
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
    for (gateway, key) in settings.gateways.iter_mut().zip(["gateway4", "gateway6"]) {
        let Some(address) = **gateway else { continue };
        let mut same_family = settings.addresses.iter().filter(|own| own.cidr.address.is_ipv4() == address.is_ipv4()).peekable();
        let is_outside = same_family.peek().is_some() && !same_family.any(|own| own.cidr.contains(address));
        if is_outside && !is_reached(address) {
            **gateway = None;
            let origin = origins.of(&format!("{path}.{key}")).to_owned();
            origins.put(format!("{path}.routes[{}]", settings.routes.len()), origin);
            settings.routes.push(Route { to: "default".to_owned(), via: Some(address), on_link: Some(true), ..Route::default() });
        }
    }
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

impl Translation {
    /// Name servers for one interface, or for all.
    fn names(&mut self, path: &str, entry: &EntryV1) {
        let servers = addresses(&format!("{path}.address"), &entry.address, &mut self.wrong);
        let search = words(&entry.search);
        // Nobody is asked over the interface that leads nowhere.
        let has_addresses = |name: &str, settings: &Settings<'_>| {
            name != LOOPBACK && (*settings.dhcp4 || *settings.dhcp6 || !settings.addresses.is_empty())
        };
        let nobody = !self.network.settings().any(|(_, name, settings)| has_addresses(name, &settings));
        let mut only = entry.interface.as_ref();
        if let Some(interface) = only.filter(|interface| !self.network.settings().any(|(_, name, _)| name == *interface)) {
            let message = format!("no interface is called `{interface}`: the name servers are taken for all");
            self.wrong.push(Complaint::note(format!("{path}.interface"), message));
            only = None;
        }
        for (table, name, settings) in self.network.settings() {
            // Ports of bonds and bridges ask nobody.
            if !only.map_or_else(|| nobody || has_addresses(name, &settings), |interface| interface == name) {
                continue;
            }
            let to = format!("{table}.{name}.nameservers");
            for (index, address) in &servers {
                let at = settings.nameservers.addresses.len();
                self.origins.put(format!("{to}.addresses[{at}]"), format!("{path}.address[{index}]"));
                settings.nameservers.addresses.push(*address);
            }
            for (index, domain) in &search {
                let at = settings.nameservers.search.len();
                self.origins.put(format!("{to}.search[{at}]"), format!("{path}.search[{index}]"));
                settings.nameservers.search.push(domain.clone());
            }
        }
    }

    /// A route of no interface: it is put where its gateway is.
    fn global_route(&mut self, path: &str, entry: EntryV1) -> Result<(), String> {
        let destination = entry.destination.ok_or("a route has no `destination`")?;
        let given = RouteV1 { destination, netmask: entry.netmask, prefix: None, gateway: entry.gateway, metric: entry.metric };
        let to = self.network.add_route(route(&given)?)?;
        self.origins.put(format!("{to}.to"), format!("{path}.destination"));
        self.origins.put(format!("{to}.via"), format!("{path}.gateway"));
        self.origins.put(to, path);
        Ok(())
    }
}
