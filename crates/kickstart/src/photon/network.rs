//! The network in Photon's first description (`type`), and name servers that are all interfaces' at once.

use std::net::IpAddr;

use super::Told;
use crate::Cidr;
use crate::document::{Entry, Node, Place, Value};
use crate::network_v1::cidr;

/// The card that Photon's description means where it names none.
const FIRST: &str = "eth0";

/// The tables of interfaces that may ask name servers.
const INTERFACES: [&str; 4] = ["ethernets", "bonds", "bridges", "vlans"];

/// `has_name` is whether the file sets the machine's name besides.
pub(super) fn translate(network: &mut Node, has_name: bool, told: &mut Told) {
    if let Some(kind) = network.take("type") {
        network.take("version");
        // It is what DHCP servers are told.
        let name = if has_name { network.take("hostname") } else { None };
        first_version(network, &kind, told);
        if let Some(name) = name {
            tell_servers(network, name, told);
        }
    }
    if let Some(servers) = network.take("nameservers") {
        let ports = ports(network);
        for key in INTERFACES {
            for card in network.get_mut(key).and_then(Node::entries_mut).into_iter().flatten() {
                if card.node.entry("nameservers").is_none() && !ports.contains(&card.key) {
                    card.node.put("nameservers", servers.place, servers.node.clone());
                }
            }
        }
    }
}

/// The interfaces that are parts of others: they ask nobody.
fn ports(network: &mut Node) -> Vec<String> {
    let mut all = Vec::new();
    for key in ["bonds", "bridges"] {
        for device in network.get_mut(key).and_then(Node::entries_mut).into_iter().flatten() {
            let names = device.node.get_mut("interfaces").and_then(Node::items_mut).into_iter().flatten();
            all.extend(names.filter_map(|name| name.text().map(str::to_owned)));
        }
    }
    all
}

fn map(place: Place, entries: Vec<(&str, Node)>) -> Node {
    let entry = |(key, node): (&str, Node)| Entry { key: key.to_owned(), place, node };
    Node::new(Value::Map(entries.into_iter().map(entry).collect()), place)
}

fn text(place: Place, text: &str) -> Node {
    Node::new(Value::String(text.to_owned()), place)
}

fn card(place: Place, name: &str, mut rest: Vec<(&str, Node)>) -> Node {
    rest.insert(0, ("match", map(place, vec![("name", text(place, name))])));
    map(place, rest)
}

fn first_version(network: &mut Node, kind: &Entry, told: &mut Told) {
    let place = kind.place;
    let mut fields = |key: &str| network.take(key);
    let (address, mask, gateway, server, vlan) =
        (fields("ip_addr"), fields("netmask"), fields("gateway"), fields("nameserver"), fields("vlan_id"));
    let dhcp = || ("dhcp4", Node::new(Value::Bool(true), place));
    let mut vlans = None;
    let card = match kind.node.text() {
        Some("dhcp") => card(place, "e*", vec![dhcp()]),
        Some("static") => {
            let missing: Vec<&str> = [("ip_addr", &address), ("netmask", &mask), ("gateway", &gateway)]
                .iter()
                .filter(|(_, entry)| entry.is_none())
                .map(|(key, _)| *key)
                .collect();
            let (Some(address), Some(gateway)) = (address, gateway) else {
                let message =
                    format!("`type` is `static`, which needs `ip_addr`, `netmask` and `gateway`: `{}` is missing", missing.join("`, `"));
                told.wrong("network", place, message, "");
                return;
            };
            let Some(own) = with_prefix(&address, mask.as_ref(), told) else { return };
            if !is_gateway(&gateway, own, told) {
                return;
            }
            let mut rest = vec![("addresses", text(address.node.place, &own.to_string())), ("gateway", gateway.node)];
            if let Some(server) = server {
                rest.push(("nameservers", map(place, vec![("addresses", server.node)])));
            }
            card(place, FIRST, rest)
        }
        Some("vlan") => {
            let Some(vlan) = vlan.filter(is_vlan) else {
                told.wrong("network", place, "`type` is `vlan`, which needs a `vlan_id` from 1 to 4094", "");
                return;
            };
            let name = format!("{FIRST}.{}", vlan.node.text().unwrap_or_default().trim());
            let rest = vec![("id", vlan.node), ("link", text(place, "id0")), dhcp()];
            vlans = Some(map(place, vec![(&name, map(place, rest))]));
            card(place, FIRST, vec![dhcp()])
        }
        _ => {
            told.wrong("network.type", place, "not one of `dhcp`, `static`, `vlan`", "write version 2, with `ethernets`");
            return;
        }
    };
    network.put("version", place, Node::new(Value::Integer(2), place));
    network.put("ethernets", place, map(place, vec![("id0", card)]));
    if let Some(vlans) = vlans {
        network.put("vlans", place, vlans);
    }
}

/// Sets the name that interfaces with DHCP send.
fn tell_servers(network: &mut Node, name: Entry, told: &mut Told) {
    let mut is_told = false;
    for key in INTERFACES {
        for card in network.get_mut(key).and_then(Node::entries_mut).into_iter().flatten().filter(|card| card.node.entry("dhcp4").is_some())
        {
            card.node.put("dhcp4-overrides", name.place, map(name.place, vec![("hostname", name.node.clone())]));
            is_told = true;
        }
    }
    let words = if is_told { "it is sent to DHCP servers; `hostname` is the machine's name" } else { "without DHCP nobody is told it" };
    told.note("network.hostname", name.place, words);
}

fn is_vlan(entry: &Entry) -> bool {
    entry.node.text().and_then(|text| text.trim().parse::<u16>().ok()).is_some_and(|number| (1..=4094).contains(&number))
}

/// The address with the length of its network's prefix, which old files give as a mask.
fn with_prefix(address: &Entry, mask: Option<&Entry>, told: &mut Told) -> Option<Cidr> {
    let text = address.node.text().unwrap_or_default();
    match cidr(text, mask.and_then(|mask| mask.node.text())) {
        Ok(cidr) => Some(cidr),
        Err(reason) => {
            let is_address = text.parse::<IpAddr>().is_ok();
            let (key, place) = mask.filter(|_| is_address).map_or(("ip_addr", address.place), |mask| ("netmask", mask.place));
            let hint = if is_address { "a mask is such as 255.255.255.0" } else { "an address is such as 192.0.2.7" };
            told.wrong(format!("network.{key}"), place, reason, hint);
            None
        }
    }
}

/// Whether a gateway can be reached from the one address of the machine: this description cannot say that it is on the link all the same.
fn is_gateway(gateway: &Entry, own: Cidr, told: &mut Told) -> bool {
    let text = gateway.node.text().unwrap_or_default().trim();
    let mut wrong = |message: String, hint: &str| told.wrong("network.gateway", gateway.node.place, message, hint);
    match text.parse::<IpAddr>() {
        Err(_) => wrong(format!("`{text}` is not an address"), "an address is such as 192.0.2.1"),
        Ok(address) if !own.contains(address) => wrong(
            format!("the gateway {address} is not in the network of {own}, which `ip_addr` and `netmask` describe"),
            "correct one of them; a gateway outside of it needs version 2, with `ethernets` and a route that is `on-link`",
        ),
        Ok(_) => return true,
    }
    false
}

#[cfg(test)]
mod tests {
    use crate::Kickstart;

    #[test]
    fn the_name_of_the_first_version_is_for_servers_where_the_machine_has_another() {
        let read = |text: &str| Kickstart::parse("x.json", text).unwrap().document.value;
        let both = read(r#"{"hostname": "n1", "network": {"type": "dhcp", "hostname": "dhcpname"}}"#);
        assert_eq!(both.hostname(), Some("n1"));
        let overrides = &both.network.unwrap().ethernets["id0"].dhcp4_overrides;
        assert_eq!(overrides.hostname.as_deref(), Some("dhcpname"));
        let alone = read(r#"{"network": {"type": "dhcp", "hostname": "dhcpname"}}"#);
        assert_eq!(alone.hostname(), Some("dhcpname"));
    }

    #[test]
    fn what_is_wrong_with_a_static_network_is_told_in_its_own_terms() {
        let table = [
            (
                r#""ip_addr": "192.0.2.7", "netmask": "255.255.255.0""#,
                "network: `type` is `static`, which needs `ip_addr`, `netmask` and `gateway`: `gateway` is missing",
            ),
            (r#""ip_addr": "192.0.2.7", "netmask": "255.255.255.0", "gateway": "gw""#, "network.gateway: `gw` is not an address"),
            (
                r#""ip_addr": "192.0.2.7", "netmask": "255.255.255.0", "gateway": "2001:db8::1""#,
                "network.gateway: the gateway 2001:db8::1 is not in the network of 192.0.2.7/24",
            ),
            (
                r#""ip_addr": "192.0.2.7", "netmask": "255.255.255.0", "gateway": "198.51.100.1""#,
                "network.gateway: the gateway 198.51.100.1 is not in the network of 192.0.2.7/24",
            ),
        ];
        for (keys, expected) in table {
            let said = Kickstart::parse("x.json", &format!(r#"{{"network": {{"type": "static", {keys}}}}}"#)).unwrap_err().to_string();
            assert!(said.contains(expected), "{keys}: {said}");
        }
        let right = r#"{"network": {"type": "static", "ip_addr": "192.0.2.7", "netmask": "255.255.255.0", "gateway": "192.0.2.1"}}"#;
        let network = Kickstart::parse("x.json", right).unwrap().document.value.network.unwrap();
        assert_eq!(network.ethernets["id0"].gateway, Some([192, 0, 2, 1].into()));
    }
}
