//! The network's description as files for systemd-networkd and udev (systemd.network(5), systemd.netdev(5), systemd.link(5)).

mod check;
mod link;
mod netdev;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::network::{Link, only};
use crate::{Ethernet, Match, Network};

pub(crate) use check::{NO_MAC, doubts, faults, is_mac};
pub use check::{complaints, route_alone};

/// A file and what it contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its absolute path.
    pub path: String,
    /// Its content.
    pub content: String,
    /// Whether it contains a key: only root and systemd-networkd may read it.
    pub is_secret: bool,
}

/// Who may read files with keys besides root.
pub const READERS: &str = "systemd-network";

/// The modes of files, by [`File::is_secret`].
impl File {
    /// Its permission bits.
    pub fn mode(&self) -> u32 {
        if self.is_secret { 0o640 } else { 0o644 }
    }
}

/// What an interface is told of others: the lines of its `[Network]` and `[Bridge]` sections.
#[derive(Default)]
struct Ties<'a> {
    network: BTreeMap<&'a str, Vec<String>>,
    bridge: BTreeMap<&'a str, Vec<String>>,
}

/// The files; none clash with those of packages, and they come before them.
pub fn files(network: &Network) -> Vec<File> {
    // There is one version, and one program that does it; the host name is the machine's.
    let Network { version: _, renderer: _, hostname: _, ethernets, bonds, bridges, vlans, tunnels, vrfs, dummy_devices, virtual_ethernets } =
        network;
    let ties = ties(network);
    let mut files = Vec::new();
    for (name, card) in ethernets {
        if let Some(content) = link_file(name, card, network) {
            files.push(file(name, "link", content));
        }
        files.push(network_file(name, &matches(name, card), &card.link(), card.emit_lldp, &ties, None));
    }
    let mut devices = Vec::new();
    let mut device = |name: &str, netdev: netdev::Netdev, link: Link<'_>, table: Option<u32>| {
        devices.push(File { is_secret: netdev.is_secret, ..file(name, "netdev", netdev.content) });
        devices.push(network_file(name, &format!("Name={name}\n"), &link, None, &ties, table));
    };
    for (name, bond) in bonds {
        device(name, netdev::bond(name, bond), bond.link(), None);
    }
    for (name, bridge) in bridges {
        device(name, netdev::bridge(name, bridge), bridge.link(), None);
    }
    for (name, vlan) in vlans {
        device(name, netdev::vlan(name, vlan), vlan.link(), None);
    }
    for (name, tunnel) in tunnels {
        device(name, netdev::tunnel(name, tunnel), tunnel.link(), None);
    }
    for (name, vrf) in vrfs {
        device(name, netdev::vrf(name, vrf), vrf.link(), Some(vrf.table));
    }
    for (name, dummy) in dummy_devices {
        device(name, netdev::plain(name, "dummy", dummy.link().mac), dummy.link(), None);
    }
    // One file makes both.
    for (name, one) in virtual_ethernets.iter().filter(|(name, one)| **name <= one.peer) {
        device(name, netdev::pair(name, one), one.link(), None);
    }
    for (name, one) in virtual_ethernets.iter().filter(|(name, one)| **name > one.peer) {
        files.push(network_file(name, &format!("Name={name}\n"), &one.link(), None, &ties, None));
    }
    files.extend(devices);
    files
}

fn file(name: &str, ending: &str, content: String) -> File {
    File { path: format!("/etc/systemd/network/10-{name}.{ending}"), content, is_secret: false }
}

fn ties(network: &Network) -> Ties<'_> {
    let mut ties = Ties::default();
    // A card is known by its key, although others may call it by the name that it gets.
    let key = |name: &'_ String| network.interface(name).unwrap_or_default();
    let mut tie = |name: &String, line: String| ties.network.entry(key(name)).or_default().push(line);
    for (name, bond) in &network.bonds {
        for member in &bond.interfaces {
            tie(member, format!("Bond={name}"));
            if bond.parameters.primary.as_ref() == Some(member) {
                tie(member, "PrimarySlave=yes".to_owned());
            }
        }
    }
    for (name, bridge) in &network.bridges {
        bridge.interfaces.iter().for_each(|member| tie(member, format!("Bridge={name}")));
    }
    for (name, vrf) in &network.vrfs {
        vrf.interfaces.iter().for_each(|member| tie(member, format!("VRF={name}")));
    }
    for (name, vlan) in &network.vlans {
        tie(&vlan.link, format!("VLAN={name}"));
    }
    for (name, tunnel) in &network.tunnels {
        if let Some(link) = &tunnel.link {
            tie(link, format!("{}={name}", netdev::tie(tunnel.mode)));
        }
    }
    for (name, tunnel) in &network.tunnels {
        if let Some(suppress) = tunnel.neigh_suppress {
            ties.bridge.entry(name).or_default().push(format!("NeighborSuppression={}", yes(suppress)));
        }
    }
    for bridge in network.bridges.values() {
        for (port, cost) in &bridge.parameters.path_cost {
            ties.bridge.entry(key(port)).or_default().push(format!("Cost={cost}"));
        }
        for (port, priority) in &bridge.parameters.port_priority {
            ties.bridge.entry(key(port)).or_default().push(format!("Priority={priority}"));
        }
    }
    ties
}

/// The lines that say which card a file is for.
fn matches(name: &str, card: &Ethernet) -> String {
    let Some(given) = &card.matches else { return format!("Name={}\n", card.set_name.as_deref().unwrap_or(name)) };
    let Match { name: given_name, macaddress, driver } = given;
    if *given == Match::default() {
        // All cards, but nothing that software makes.
        return "Type=ether\nKind=!*\n".to_owned();
    }
    let is_hardware = macaddress.is_some() || driver.is_some();
    // A card that is found by its name and renamed is found by the new one.
    let name = match &card.set_name {
        Some(new) if given_name.is_some() && !is_hardware => Some(new),
        Some(_) => None,
        None => given_name.as_ref(),
    };
    pairs(&[("Name", name.cloned()), ("PermanentMACAddress", mac(given)), ("Driver", drivers(given))])
}

/// The permanent address: VLANs on a card have the same one otherwise. Hyphens are Windows'.
fn mac(given: &Match) -> Option<String> {
    given.macaddress.as_ref().map(|text| text.replace('-', ":").to_ascii_lowercase())
}

fn drivers(given: &Match) -> Option<String> {
    given.driver.as_ref().map(|names| names.join(" "))
}

fn pairs(pairs: &[(&str, Option<String>)]) -> String {
    pairs.iter().filter_map(|(key, value)| value.as_ref().map(|value| format!("{key}={value}\n"))).collect()
}

fn yes(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

/// What udev does with a card, if anything. Only the first file that fits counts for it: what the system's own does is repeated.
fn link_file(name: &str, card: &Ethernet, network: &Network) -> Option<String> {
    // `link` is the card whose function this is, and LLDP is systemd-networkd's.
    let only!(Ethernet {
        matches,
        set_name,
        wakeonlan,
        emit_lldp: _,
        virtual_function_count,
        link: _,
        receive_checksum_offload,
        transmit_checksum_offload,
        tcp_segmentation_offload,
        tcp6_segmentation_offload,
        generic_segmentation_offload,
        generic_receive_offload,
        large_receive_offload,
    }) = card;
    let split = network.ethernets.values().filter(|other| other.link.as_deref() == Some(name)).count();
    let functions = virtual_function_count.or_else(|| u32::try_from(split).ok().filter(|count| *count > 0));
    let flag = |value: &Option<bool>| value.map(|value| yes(value).to_owned());
    let settings = pairs(&[
        ("WakeOnLan", wakeonlan.map(|wakes| if wakes { "magic" } else { "off" }.to_owned())),
        ("ReceiveChecksumOffload", flag(receive_checksum_offload)),
        ("TransmitChecksumOffload", flag(transmit_checksum_offload)),
        ("TCPSegmentationOffload", flag(tcp_segmentation_offload)),
        ("TCP6SegmentationOffload", flag(tcp6_segmentation_offload)),
        ("GenericSegmentationOffload", flag(generic_segmentation_offload)),
        ("GenericReceiveOffload", flag(generic_receive_offload)),
        ("LargeReceiveOffload", flag(large_receive_offload)),
        ("SR-IOVVirtualFunctions", functions.map(|count| count.to_string())),
    ]);
    if set_name.is_none() && settings.is_empty() {
        return None;
    }
    let found = match matches {
        None => format!("OriginalName={name}\n"),
        Some(given) if *given == Match::default() => "OriginalName=*\n".to_owned(),
        Some(given) => pairs(&[("OriginalName", given.name.clone()), ("PermanentMACAddress", mac(given)), ("Driver", drivers(given))]),
    };
    let names = match set_name {
        Some(name) => format!("Name={name}\n"),
        None => "NamePolicy=keep kernel database onboard slot path\n".to_owned(),
    };
    Some(format!(
        "[Match]\n{found}\n[Link]\n{names}AlternativeNamesPolicy=database onboard slot path mac\nMACAddressPolicy=persistent\n{settings}"
    ))
}

fn network_file(name: &str, matches: &str, link: &Link<'_>, lldp: Option<bool>, ties: &Ties<'_>, table: Option<u32>) -> File {
    let none: &[String] = &[];
    let tied = ties.network.get(name).map_or(none, Vec::as_slice);
    let mut text = format!("[Match]\n{matches}");
    text.push_str(&link::sections(link, lldp, tied, table));
    if let Some(lines) = ties.bridge.get(name) {
        let _ = write!(text, "\n[Bridge]\n{}\n", lines.join("\n"));
    }
    file(name, "network", text)
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
    fn cards_are_known_by_the_names_that_they_get() {
        let network = network(
            r#"{"version": 2, "ethernets": {"id0": {"match": {"macaddress": "00:50:56:01:02:03"}, "set-name": "lan0"}, "all": {"match": {}}},
                "bridges": {"br0": {"interfaces": ["lan0"], "parameters": {"path-cost": {"lan0": 7}}}}}"#,
        );
        assert_eq!(complaints(&network), []);
        let files = files(&network);
        let content = |name: &str| files.iter().find(|file| file.path.ends_with(name)).unwrap().content.as_str();
        assert!(content("10-id0.network").contains("Bridge=br0\n\n[Bridge]\nCost=7\n"));
        assert!(content("10-all.network").starts_with("[Match]\nType=ether\nKind=!*\n"));
    }

    #[test]
    fn a_gateway_may_be_reached_by_what_is_not_said() {
        for card in [
            r#"{"addresses": ["10.0.0.5/24"], "gateway4": "10.0.0.1"}"#,
            r#"{"dhcp4": true, "gateway4": "192.168.9.1"}"#,
            r#"{"addresses": ["10.0.0.5/32"], "gateway4": "192.168.9.1", "routes": [{"to": "192.168.9.1/32"}]}"#,
            r#"{"addresses": ["2001:db8::7/64"], "gateway6": "fe80::1", "accept-ra": false}"#,
            r#"{"addresses": ["10.0.0.5/32"], "routes": [{"to": "default", "via": "192.168.9.1", "on-link": true}]}"#,
            r#"{"addresses": ["10.0.0.5/32"], "routes": [{"to": "192.168.9.1"}, {"to": "default", "via": "192.168.9.1"}]}"#,
            r#"{"dhcp4": true, "routes": [{"to": "10.0.0.0/8", "via": "192.168.9.1"}]}"#,
            r#"{"link-local": ["ipv4"], "routes": [{"to": "10.0.0.0/8", "via": "169.254.1.1"}]}"#,
        ] {
            assert_eq!(complaints(&network(&format!(r#"{{"version": 2, "ethernets": {{"a": {card}}}}}"#))), [], "{card}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        let table = [
            (r#"{"ethernets": {"a/b": {"dhcp4": true}}}"#, "ethernets.a/b"),
            (r#"{"ethernets": {"a": {"match": {"name": "x\ny"}}}}"#, "ethernets.a.match.name"),
            (r#"{"ethernets": {"a": {"match": {"macaddress": "1:2"}}}}"#, "ethernets.a.match.macaddress"),
            (r#"{"ethernets": {"a": {"macaddress": "01:50:56:01:02:03"}}}"#, "ethernets.a.macaddress"),
            (r#"{"ethernets": {"a": {"ipv6-address-token": "2001:db8::"}}}"#, "ethernets.a.ipv6-address-token"),
            (r#"{"ethernets": {"a": {"gateway": "192.0.2.1"}}}"#, "ethernets.a.gateway"),
            (r#"{"ethernets": {"a": {"addresses": ["10.0.0.5/24"], "gateway4": "192.168.9.1"}}}"#, "ethernets.a.gateway4"),
            (
                r#"{"ethernets": {"a": {"addresses": ["10.0.0.5/24"], "routes": [{"to": "default", "via": "192.168.9.1"}]}}}"#,
                "ethernets.a.routes[0].via",
            ),
            (r#"{"ethernets": {"a": {"routing-policy": [{"from": "10.0.0.5"}]}}}"#, "ethernets.a.routing-policy[0].table"),
            (r#"{"tunnels": {"v": {"mode": "vxlan", "id": 7, "port-range": [9]}}}"#, "tunnels.v.port-range"),
            (r#"{"tunnels": {"v": {"mode": "gre", "local": "10.0.0.5", "remote": "2001:db8::5"}}}"#, "tunnels.v.remote"),
            (r#"{"tunnels": {"v": {"mode": "vxlan", "id": 7, "local": "10.0.0.5", "remote": "2001:db8::5"}}}"#, "tunnels.v.remote"),
            (r#"{"ethernets": {"a": {"routes": [{"to": "x", "via": "192.0.2.1"}]}}}"#, "ethernets.a.routes[0].to"),
            (
                r#"{"ethernets": {"a": {"dhcp4": true, "routes": [{"to": "2001:db8::/32", "via": "192.0.2.1"}]}}}"#,
                "ethernets.a.routes[0].via",
            ),
            (
                r#"{"ethernets": {"a": {"dhcp4": true, "routes": [{"to": "10.0.0.0/8", "via": "192.0.2.1", "type": "unreachable"}]}}}"#,
                "ethernets.a.routes[0].via",
            ),
            (r#"{"ethernets": {"a": {"set-name": "x"}, "b": {"set-name": "x"}}}"#, "ethernets.b.set-name"),
            (r#"{"ethernets": {"a": {"set-name": "x"}}, "bridges": {"x": {}}}"#, "ethernets.a.set-name"),
            (r#"{"ethernets": {"a": {}}, "bridges": {"a": {}}}"#, "bridges.a"),
            (r#"{"bonds": {"x": {}}, "bridges": {"x": {}}}"#, "bridges.x"),
            (r#"{"ethernets": {"a": {}}, "bonds": {"x": {"interfaces": ["a"]}, "y": {"interfaces": ["a"]}}}"#, "bonds.y.interfaces[0]"),
            (r#"{"bridges": {"x": {"interfaces": ["y"]}, "y": {"interfaces": ["x"]}}}"#, "bridges.y.interfaces[0]"),
            (r#"{"bridges": {"x": {"interfaces": ["v"]}}, "vlans": {"v": {"id": 7, "link": "x"}}}"#, "vlans.v.link"),
            (r#"{"ethernets": {"a": {"match": {"name": "e*"}}}, "vlans": {"v": {"id": 7, "link": "a"}}}"#, "vlans.v.link"),
            (r#"{"ethernets": {"a": {}}, "bonds": {"x": {"parameters": {"primary": "a"}}}}"#, "bonds.x.parameters.primary"),
            (r#"{"ethernets": {"a": {}}, "bridges": {"x": {"parameters": {"path-cost": {"a": 5}}}}}"#, "bridges.x.parameters.path-cost.a"),
            (r#"{"ethernets": {"a": {"nameservers": {"search": ["a b"]}}}}"#, "ethernets.a.nameservers.search[0]"),
            (r#"{"vlans": {"v": {"id": 0, "link": "x"}}}"#, "vlans.v.id"),
            (r#"{"ethernets": {"a": {}}, "vlans": {"v": {"id": 7, "link": "a"}, "w": {"id": 7, "link": "a"}}}"#, "vlans.w.id"),
            (r#"{"vlans": {"v": {"id": 7}}}"#, "vlans.v.link"),
            (
                r#"{"ethernets": {"a": {"gateway4": "192.0.2.1", "dhcp4": true}, "b": {"gateway4": "192.0.2.2", "dhcp4": true}}}"#,
                "ethernets.b.gateway4",
            ),
        ];
        for (text, path) in table {
            let text = text.replacen('{', "{\"version\": 2, ", 1);
            assert!(complaints(&network(&text)).iter().any(|told| told.path == path), "{text}");
        }
    }
}
