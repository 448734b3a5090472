//! What is wrong with a network beyond what its types say.

mod defaults;
mod link;
mod ties;
mod tunnel;

use std::collections::BTreeMap;

use crate::document::Complaint;
use crate::network::{Bond, BondMode, BondParameters, Bridge, BridgeParameters, VirtualEthernet, Vlan};
use crate::{Ethernet, Match, Network};

use self::link::{link, link_of};

pub use self::link::route_alone;

/// What is wrong.
type List = Vec<Complaint>;

/// What is wrong, what of the network cannot be used because of it, and what is hardly meant so.
pub fn complaints(network: &Network) -> Vec<Complaint> {
    let mut list = faults(network);
    list.extend(doubts(network));
    list
}

/// What is done as it is written, but hardly meant so.
pub(crate) fn doubts(network: &Network) -> Vec<Complaint> {
    defaults::defaults(network)
}

/// What is wrong, and what of the network cannot be used because of it.
pub(crate) fn faults(network: &Network) -> Vec<Complaint> {
    let mut list = List::new();
    for (name, card) in &network.ethernets {
        ethernet(name, card, network, &mut list);
    }
    for (name, one) in &network.bonds {
        bond(&made("bonds", name, &mut list), one, &mut list);
    }
    for (name, one) in &network.bridges {
        bridge(&made("bridges", name, &mut list), one, network, &mut list);
    }
    for (name, one) in &network.vlans {
        vlan(&made("vlans", name, &mut list), one, network, &mut list);
    }
    for (name, one) in &network.tunnels {
        let path = made("tunnels", name, &mut list);
        tunnel::tunnel(&path, one, network, &mut list);
        link(&path, &one.link(), &mut list);
    }
    for (name, vrf) in &network.vrfs {
        let path = made("vrfs", name, &mut list);
        if vrf.table == 0 {
            list.push(Complaint::whole(format!("{path}.table"), "write the number of a routing table, from 1", &path, "the VRF"));
        }
        link_of(&path, &vrf.link(), Some(vrf.table), &mut list);
    }
    for (name, dummy) in &network.dummy_devices {
        link(&made("dummy-devices", name, &mut list), &dummy.link(), &mut list);
    }
    for (name, one) in &network.virtual_ethernets {
        pair(&made("virtual-ethernets", name, &mut list), name, one, network, &mut list);
    }
    ties::names(network, &mut list);
    ties::ties(network, &mut list);
    ties::twins(network, &mut list);
    list
}

fn ethernet(name: &str, card: &Ethernet, network: &Network, list: &mut List) {
    let path = format!("ethernets.{name}");
    let mut wrong = |message: &str| list.push(Complaint::whole(&path, message, &path, "the card"));
    if !is_file_name(name) {
        wrong("the name must consist of letters, digits, `-`, `_` and `.`");
    }
    if IS_KEY.contains(&name) && card.matches.is_none() {
        wrong("this is a key of an interface, not one: indent it below the interface that it is for");
    }
    match &card.matches {
        Some(given) => matches(&path, given, list),
        None if name.len() > LONGEST => wrong("an interface name has at most 15 letters: identify the card with `match`"),
        None => {}
    }
    if card.set_name.as_ref().is_some_and(|name| !is_interface(name)) {
        list.push(Complaint::value(format!("{path}.set-name"), NO_INTERFACE));
    }
    if card.link.as_ref().is_some_and(|link| !network.ethernets.contains_key(link)) {
        list.push(Complaint::value(format!("{path}.link"), "no card in `ethernets` is called so"));
    }
    link(&path, &card.link(), list);
}

/// Without what it says, it would be another card.
fn matches(path: &str, given: &Match, list: &mut List) {
    let is_name = |text: &String| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.*?[]@".contains(&byte));
    let mut wrong = |key: &str, message: &str| list.push(Complaint::whole(format!("{path}.match.{key}"), message, path, "the card"));
    const LETTER: &str = "it contains a character that names cannot contain";
    if given.name.as_ref().is_some_and(|name| !is_name(name)) {
        wrong("name", LETTER);
    }
    if !given.driver.iter().flatten().all(is_name) {
        wrong("driver", LETTER);
    }
    if given.macaddress.as_ref().is_some_and(|text| !is_mac(text)) {
        wrong("macaddress", NO_MAC);
    }
}

fn bond(path: &str, bond: &Bond, list: &mut List) {
    let BondParameters { mode, arp_interval, arp_ip_targets, primary, .. } = &bond.parameters;
    /// The kernel's bonding driver takes no more.
    const MOST_TARGETS: usize = 16;
    if arp_ip_targets.len() > MOST_TARGETS {
        let path = format!("{path}.parameters.arp-ip-targets[{MOST_TARGETS}]");
        list.push(Complaint::value(path, format!("a bond has at most {MOST_TARGETS} targets")));
    }
    let mode = mode.unwrap_or(BondMode::RoundRobin);
    // The kernel's driver refuses what does not fit its mode (`bond_opts` in drivers/net/bonding/bond_options.c), and there would be no bond.
    if arp_interval.as_ref().is_some_and(|time| !time.is_zero()) && !mode.asks_by_arp() {
        let message = format!("a bond of the mode `{}` cannot ask by ARP: use `mii-monitor-interval`", mode.as_str());
        list.push(Complaint::value(format!("{path}.parameters.arp-interval"), message));
    }
    if primary.as_ref().is_some_and(|primary| !bond.interfaces.contains(primary)) {
        list.push(Complaint::value(format!("{path}.parameters.primary"), "it is none of the bond's `interfaces`"));
    } else if primary.is_some() && !mode.has_a_primary() {
        let message = format!(
            "a bond of the mode `{}` uses all its cards alike: only active-backup, balance-tlb and balance-alb prefer one",
            mode.as_str()
        );
        list.push(Complaint::value(format!("{path}.parameters.primary"), message));
    }
    link(path, &bond.link(), list);
}

fn bridge(path: &str, bridge: &Bridge, network: &Network, list: &mut List) {
    /// The kernel has six bits for it.
    const HIGHEST_PRIORITY: u8 = 63;
    let BridgeParameters { path_cost, port_priority, .. } = &bridge.parameters;
    let key = |name: &str| network.interface(name);
    let is_port = |name: &str| bridge.interfaces.iter().any(|port| port == name || key(port).is_some() && key(port) == key(name));
    fn strangers<T>(numbers: &BTreeMap<String, T>, is_port: impl Fn(&str) -> bool) -> Vec<&String> {
        numbers.keys().filter(|name| !is_port(name)).collect()
    }
    for (table, names) in [("path-cost", strangers(path_cost, is_port)), ("port-priority", strangers(port_priority, is_port))] {
        let told = |name: &String| Complaint::value(format!("{path}.parameters.{table}.{name}"), "it is none of the bridge's `interfaces`");
        list.extend(names.into_iter().map(told));
    }
    for (port, _) in port_priority.iter().filter(|(_, priority)| **priority > HIGHEST_PRIORITY) {
        list.push(Complaint::value(format!("{path}.parameters.port-priority.{port}"), format!("use 0 to {HIGHEST_PRIORITY}")));
    }
    link(path, &bridge.link(), list);
}

fn vlan(path: &str, vlan: &Vlan, network: &Network, list: &mut List) {
    let mut wrong = |key: &str, message: String| list.push(Complaint::whole(format!("{path}.{key}"), message, path, "the VLAN"));
    if !(1..=4094).contains(&vlan.id) {
        wrong("id", "use 1 to 4094".to_owned());
    }
    if vlan.link.is_empty() {
        wrong("link", "missing: name the interface that the VLAN is on".to_owned());
    } else if network.interface(&vlan.link).is_none() {
        wrong("link", format!("no interface is called `{}`", vlan.link));
    }
    if network.ethernets.get(&vlan.link).and_then(|card| card.matches.as_ref()).is_some_and(may_be_several) {
        let message =
            format!("`{}` may be several cards, and the VLAN is on the first one only: match one by its address or whole name", vlan.link);
        list.push(Complaint::note(format!("{path}.link"), message));
    }
    link(path, &vlan.link(), list);
}

/// Whether more than one card may be meant.
fn may_be_several(Match { name, macaddress, driver: _ }: &Match) -> bool {
    macaddress.is_none() && name.as_ref().is_none_or(|name| name.contains(['*', '?', '[']))
}

fn pair(path: &str, name: &str, one: &VirtualEthernet, network: &Network, list: &mut List) {
    if one.peer.is_empty() {
        let message = "missing: name the other one of the table, with this one as its peer";
        list.push(Complaint::whole(format!("{path}.peer"), message, path, "the interface"));
    } else if network.virtual_ethernets.get(&one.peer).is_none_or(|other| other.peer != name) || one.peer == name {
        let message = format!("`{}` must be another one of the table, with this one as its peer", one.peer);
        list.push(Complaint::whole(format!("{path}.peer"), message, path, "the interface"));
    }
    link(path, &one.link(), list);
}

/// What an interface that is made must be called; gives its path.
fn made(table: &str, name: &str, list: &mut List) -> String {
    let path = format!("{table}.{name}");
    if !is_interface(name) {
        list.push(Complaint::whole(&path, NO_INTERFACE, &path, "the interface"));
    }
    path
}

/// Keys that are taken for interfaces where they are not indented enough.
const IS_KEY: [&str; 4] = ["dhcp4-overrides", "dhcp6-overrides", "match", "nameservers"];

const NO_INTERFACE: &str = "an interface name has at most 15 letters, digits, `-`, `_` and `.`";

/// What is said of a text that is no address of Ethernet.
pub(crate) const NO_MAC: &str = "not an address such as 00:50:56:01:02:03";

/// The longest name of an interface, in bytes (IFNAMSIZ of the kernel, less its end).
const LONGEST: usize = 15;

fn is_file_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn is_interface(name: &str) -> bool {
    is_file_name(name) && name.len() <= LONGEST
}

/// Whether a word may stand in a line of a file.
fn is_word(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether a text is an address of Ethernet.
pub(crate) fn is_mac(text: &str) -> bool {
    octets(text).is_some()
}

/// The bytes of an address of Ethernet.
fn octets(text: &str) -> Option<Vec<u8>> {
    let parts: Vec<&str> = text.split([':', '-']).collect();
    let octet = |part: &&str| u8::from_str_radix(part, 16).ok().filter(|_| part.len() == 2 && !part.starts_with('+'));
    parts.iter().map(octet).collect::<Option<Vec<u8>>>().filter(|octets| octets.len() == 6)
}
