//! The network's description as files for systemd-networkd (systemd.network(5), systemd.netdev(5)).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;

use crate::{Cidr, DhcpIdentifier, Ethernet, Match, Nameservers, Network, Route, Vlan};

/// A file and what it contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its absolute path.
    pub path: String,
    /// Its content.
    pub content: String,
}

/// What is wrong with a network beyond what its types say: paths and messages.
pub fn complaints(network: &Network) -> Vec<(String, String)> {
    let mut list = Vec::new();
    for (name, card) in &network.ethernets {
        let path = format!("ethernets.{name}");
        if !is_file_name(name) {
            list.push((path.clone(), "the name must consist of letters, digits, `-`, `_` and `.`".to_owned()));
        }
        matches(&path, name, card.matches.as_ref(), &mut list);
        let gateways: Vec<IpAddr> = [card.gateway, card.gateway4, card.gateway6].into_iter().flatten().collect();
        link(&path, Link::from(card), &gateways, &mut list);
        for (key, gateway, v4) in [("gateway4", card.gateway4, true), ("gateway6", card.gateway6, false)] {
            if gateway.is_some_and(|gateway| gateway.is_ipv4() != v4) {
                list.push((format!("{path}.{key}"), "the address is of the other IP version".to_owned()));
            }
        }
    }
    for (name, vlan) in &network.vlans {
        let path = format!("vlans.{name}");
        if !is_file_name(name) || name.len() > 15 {
            list.push((path.clone(), "an interface name has at most 15 letters, digits, `-`, `_` and `.`".to_owned()));
        }
        if !(1..=4094).contains(&vlan.id) {
            list.push((format!("{path}.id"), "use 1 to 4094".to_owned()));
        }
        match network.ethernets.get(&vlan.link) {
            None => list.push((format!("{path}.link"), format!("no card in `ethernets` is named `{}`", vlan.link))),
            Some(card) if !has_full_name(&vlan.link, card) => {
                list.push((format!("{path}.link"), format!("`{}` must be matched by a full `name`", vlan.link)));
            }
            Some(_) => {}
        }
        if network.ethernets.contains_key(name) {
            list.push((path.clone(), "a card has the same name as this VLAN".to_owned()));
        }
        link(&path, Link::from(vlan), vlan.gateway.as_slice(), &mut list);
    }
    list
}

fn is_file_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn has_full_name(id: &str, card: &Ethernet) -> bool {
    match &card.matches {
        None => is_file_name(id),
        Some(matches) => matches.name.as_ref().is_some_and(|name| !name.contains(['*', '?', '['])),
    }
}

fn matches(path: &str, name: &str, given: Option<&Match>, list: &mut Vec<(String, String)>) {
    let is_name = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.*?[]@".contains(&byte));
    let Some(given) = given else {
        if name.len() > 15 {
            list.push((path.to_owned(), "an interface name has at most 15 letters; identify the card with `match`".to_owned()));
        }
        return;
    };
    if *given == Match::default() {
        list.push((format!("{path}.match"), "it is empty: set `name`, `macaddress` or `driver`".to_owned()));
    }
    for (key, text) in [("name", &given.name), ("driver", &given.driver)] {
        if text.as_ref().is_some_and(|text| !is_name(text)) {
            list.push((format!("{path}.match.{key}"), "it contains a character that names cannot contain".to_owned()));
        }
    }
    let is_mac = |text: &String| {
        let parts: Vec<&str> = text.split(':').collect();
        parts.len() == 6 && parts.iter().all(|part| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    if given.macaddress.as_ref().is_some_and(|text| !is_mac(text)) {
        list.push((format!("{path}.match.macaddress"), "not an address such as 00:50:56:01:02:03".to_owned()));
    }
}

/// What cards and VLANs have in common.
struct Link<'a> {
    dhcp4: bool,
    dhcp6: bool,
    accept_ra: Option<bool>,
    addresses: &'a [Cidr],
    routes: &'a [Route],
    nameservers: &'a Nameservers,
    mtu: Option<u32>,
}

impl<'a> From<&'a Ethernet> for Link<'a> {
    fn from(card: &'a Ethernet) -> Self {
        let Ethernet { dhcp4, dhcp6, accept_ra, mtu, .. } = *card;
        Self { dhcp4, dhcp6, accept_ra, addresses: &card.addresses, routes: &card.routes, nameservers: &card.nameservers, mtu }
    }
}

impl<'a> From<&'a Vlan> for Link<'a> {
    fn from(vlan: &'a Vlan) -> Self {
        let Vlan { dhcp4, dhcp6, accept_ra, mtu, .. } = *vlan;
        Self { dhcp4, dhcp6, accept_ra, addresses: &vlan.addresses, routes: &vlan.routes, nameservers: &vlan.nameservers, mtu }
    }
}

fn link(path: &str, link: Link<'_>, gateways: &[IpAddr], list: &mut Vec<(String, String)>) {
    for gateway in gateways {
        let covered = link.addresses.iter().any(|cidr| cidr.address.is_ipv4() == gateway.is_ipv4());
        if !covered && !(if gateway.is_ipv4() { link.dhcp4 } else { link.dhcp6 || link.accept_ra != Some(false) }) {
            list.push((path.to_owned(), format!("no address is in the network of the gateway {gateway}")));
        }
    }
    for (index, route) in link.routes.iter().enumerate() {
        if route.to != "default" && route.to.parse::<Cidr>().is_err() && route.to.parse::<IpAddr>().is_err() {
            list.push((format!("{path}.routes[{index}].to"), format!("`{}` is neither a network nor `default`", route.to)));
        }
    }
    for (index, domain) in link.nameservers.search.iter().enumerate() {
        let plain = domain.strip_prefix('~').unwrap_or(domain);
        if !crate::is_hostname(plain.trim_end_matches('.')) {
            list.push((format!("{path}.nameservers.search[{index}]"), format!("`{domain}` is not a domain")));
        }
    }
    if link.mtu.is_some_and(|mtu| !(576..=65_535).contains(&mtu)) {
        list.push((format!("{path}.mtu"), "use 576 to 65535".to_owned()));
    }
}

/// The files; none clash with those of packages, and they come before them.
pub fn files(network: &Network) -> Vec<File> {
    let mut files = Vec::new();
    let mut put = |name: &str, ending: &str, content: String| {
        files.push(File { path: format!("/etc/systemd/network/10-{name}.{ending}"), content });
    };
    let mut on: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, vlan) in &network.vlans {
        on.entry(&vlan.link).or_default().push(name);
    }
    for (name, card) in &network.ethernets {
        let mut text = String::from("[Match]\n");
        match &card.matches {
            None => {
                let _ = writeln!(text, "Name={name}");
            }
            Some(given) => {
                // The permanent address: VLANs on a card have the same one otherwise.
                for (key, value) in [("Name", &given.name), ("PermanentMACAddress", &given.macaddress), ("Driver", &given.driver)] {
                    if let Some(value) = value {
                        let _ = writeln!(text, "{key}={value}");
                    }
                }
            }
        }
        let gateways: Vec<IpAddr> = [card.gateway, card.gateway4, card.gateway6].into_iter().flatten().collect();
        let vlans = on.get(name.as_str()).map_or(&[][..], Vec::as_slice);
        text.push_str(&sections(&Link::from(card), &gateways, vlans, card.dhcp_identifier));
        put(name, "network", text);
    }
    for (name, vlan) in &network.vlans {
        put(name, "netdev", format!("[NetDev]\nName={name}\nKind=vlan\n\n[VLAN]\nId={}\n", vlan.id));
        let text = format!("[Match]\nName={name}\n{}", sections(&Link::from(vlan), vlan.gateway.as_slice(), &[], None));
        put(name, "network", text);
    }
    files
}

/// All sections after `[Match]`.
fn sections(link: &Link<'_>, gateways: &[IpAddr], vlans: &[&str], identifier: Option<DhcpIdentifier>) -> String {
    let mut text = String::new();
    if let Some(mtu) = link.mtu {
        let _ = write!(text, "\n[Link]\nMTUBytes={mtu}\n");
    }
    let dhcp = match (link.dhcp4, link.dhcp6) {
        (true, true) => "yes",
        (true, false) => "ipv4",
        (false, true) => "ipv6",
        (false, false) => "no",
    };
    let _ = write!(text, "\n[Network]\nDHCP={dhcp}\n");
    if let Some(accept) = link.accept_ra {
        let _ = writeln!(text, "IPv6AcceptRA={}", if accept { "yes" } else { "no" });
    }
    let mut lines = |key: &str, values: Vec<String>| values.into_iter().for_each(|value| text.push_str(&format!("{key}={value}\n")));
    lines("Address", link.addresses.iter().map(ToString::to_string).collect());
    lines("Gateway", gateways.iter().map(ToString::to_string).collect());
    lines("DNS", link.nameservers.addresses.iter().map(ToString::to_string).collect());
    if !link.nameservers.search.is_empty() {
        lines("Domains", vec![link.nameservers.search.join(" ")]);
    }
    lines("VLAN", vlans.iter().map(|name| (*name).to_owned()).collect());
    if let Some(identifier) = identifier {
        let word = if identifier == DhcpIdentifier::Mac { "mac" } else { "duid" };
        let _ = write!(text, "\n[DHCPv4]\nClientIdentifier={word}\n");
    }
    for route in link.routes {
        let to = match (route.to.as_str(), route.via) {
            ("default", IpAddr::V4(_)) => "0.0.0.0/0",
            ("default", IpAddr::V6(_)) => "::/0",
            (to, _) => to,
        };
        let _ = write!(text, "\n[Route]\nDestination={to}\nGateway={}\n", route.via);
        if let Some(metric) = route.metric {
            let _ = writeln!(text, "Metric={metric}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_card_a_vlan_and_routes() {
        let network = network(
            r#"{"version": "2", "ethernets": {"id1": {"match": {"name": "eth1"}, "addresses": ["192.168.4.58/24", "2001:db8::7/64"],
                "gateway": "192.168.4.254", "mtu": 9000, "accept-ra": false, "dhcp-identifier": "mac",
                "routes": [{"to": "default", "via": "2001:db8::1", "metric": 5}],
                "nameservers": {"addresses": ["192.0.2.53"], "search": ["example.com", "example.org"]}}},
                "vlans": {"vlan0": {"id": 100, "link": "id1", "dhcp4": true}}}"#,
        );
        assert_eq!(complaints(&network), []);
        let files = files(&network);
        assert_eq!(
            files.iter().map(|file| file.path.rsplit('/').next().unwrap()).collect::<Vec<_>>(),
            ["10-id1.network", "10-vlan0.netdev", "10-vlan0.network"]
        );
        assert_eq!(
            files[0].content,
            "[Match]\nName=eth1\n\n[Link]\nMTUBytes=9000\n\n[Network]\nDHCP=no\nIPv6AcceptRA=no\nAddress=192.168.4.58/24\n\
             Address=2001:db8::7/64\nGateway=192.168.4.254\nDNS=192.0.2.53\nDomains=example.com example.org\nVLAN=vlan0\n\n\
             [DHCPv4]\nClientIdentifier=mac\n\n[Route]\nDestination=::/0\nGateway=2001:db8::1\nMetric=5\n"
        );
        assert_eq!(files[1].content, "[NetDev]\nName=vlan0\nKind=vlan\n\n[VLAN]\nId=100\n");
        assert_eq!(files[2].content, "[Match]\nName=vlan0\n\n[Network]\nDHCP=ipv4\n");
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        let table = [
            (r#"{"ethernets": {"a/b": {"dhcp4": true}}}"#, "ethernets.a/b"),
            (r#"{"ethernets": {"a": {"match": {}}}}"#, "ethernets.a.match"),
            (r#"{"ethernets": {"a": {"match": {"name": "x\ny"}}}}"#, "ethernets.a.match.name"),
            (r#"{"ethernets": {"a": {"match": {"macaddress": "1:2"}}}}"#, "ethernets.a.match.macaddress"),
            (r#"{"ethernets": {"a": {"gateway": "192.0.2.1"}}}"#, "ethernets.a"),
            (r#"{"ethernets": {"a": {"routes": [{"to": "x", "via": "192.0.2.1"}]}}}"#, "ethernets.a.routes[0].to"),
            (r#"{"ethernets": {"a": {"nameservers": {"search": ["a b"]}}}}"#, "ethernets.a.nameservers.search[0]"),
            (r#"{"vlans": {"v": {"id": 0, "link": "x"}}}"#, "vlans.v.id"),
        ];
        for (text, path) in table {
            let text = text.replacen('{', "{\"version\": 2, ", 1);
            assert!(complaints(&network(&text)).iter().any(|(at, _)| at == path), "{text}");
        }
    }
}
