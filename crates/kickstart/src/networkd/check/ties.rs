//! What is wrong with interfaces among each other: names, masters, loops.

use std::collections::BTreeMap;

use super::List;
use crate::Network;
use crate::document::Complaint;

/// Interfaces that get a name which another one has.
pub(super) fn names(network: &Network, list: &mut List) {
    let mut owners: BTreeMap<&str, String> = BTreeMap::new();
    for (table, name) in made(network) {
        let path = format!("{table}.{name}");
        match owners.get(name) {
            Some(owner) => list.push(Complaint::whole(&path, format!("`{owner}` has the same name"), &path, "the interface")),
            None => drop(owners.insert(name, path)),
        }
    }
    for key in network.ethernets.keys() {
        // Their files would be the same.
        if let Some(owner) = owners.get(key.as_str()) {
            list.push(Complaint::whole(owner, "a card has the same name", owner, "the interface"));
        }
    }
    let is_called_so = |card: &crate::Ethernet| card.set_name.is_none() && card.matches.is_none();
    for (key, _) in network.ethernets.iter().filter(|(_, card)| is_called_so(card)) {
        owners.entry(key).or_insert_with(|| format!("ethernets.{key}"));
    }
    for (key, card) in &network.ethernets {
        let Some(name) = &card.set_name else { continue };
        match owners.get(name.as_str()) {
            Some(owner) => {
                list.push(Complaint::value(format!("ethernets.{key}.set-name"), format!("`{owner}` is called `{name}` already")));
            }
            None => drop(owners.insert(name, format!("ethernets.{key}"))),
        }
    }
    addresses(network, list);
}

/// Cards that are found by the address of another one.
fn addresses(network: &Network, list: &mut List) {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for (key, card) in &network.ethernets {
        let Some(mac) = card.matches.as_ref().and_then(|given| given.macaddress.as_deref()) else { continue };
        let mac = mac.replace('-', ":").to_ascii_lowercase();
        if let Some(other) = seen.get(&mac) {
            let message = format!("`{other}` is the card with this address already: nothing of this one is done");
            list.push(Complaint::note(format!("ethernets.{key}.match.macaddress"), message));
        } else {
            seen.insert(mac, key);
        }
    }
}

/// The interfaces that are made, with their tables.
fn made(network: &Network) -> Vec<(&'static str, &str)> {
    fn of<'a, T>(table: &'static str, interfaces: &'a BTreeMap<String, T>) -> impl Iterator<Item = (&'static str, &'a str)> {
        interfaces.keys().map(move |name| (table, name.as_str()))
    }
    of("bonds", &network.bonds)
        .chain(of("bridges", &network.bridges))
        .chain(of("vlans", &network.vlans))
        .chain(of("tunnels", &network.tunnels))
        .chain(of("vrfs", &network.vrfs))
        .chain(of("dummy-devices", &network.dummy_devices))
        .chain(of("virtual-ethernets", &network.virtual_ethernets))
        .collect()
}

/// One interface that is on another.
struct Tie<'a> {
    upper: &'a str,
    lower: &'a str,
    complaint: fn(&str, String) -> Complaint,
    path: String,
}

/// Members that are none, that have a master already, or that are in a loop.
pub(super) fn ties(network: &Network, list: &mut List) {
    let mut masters: BTreeMap<&str, &str> = BTreeMap::new();
    let mut ties: Vec<Tie<'_>> = Vec::new();
    for (table, name, members) in groups(network) {
        for (index, member) in members.iter().enumerate() {
            let path = format!("{table}.{name}.interfaces[{index}]");
            let Some(key) = network.interface(member) else {
                let message = format!("no other interface is called `{member}`: describe it in `ethernets`");
                list.push(Complaint::value(path, message));
                continue;
            };
            match masters.get(key) {
                Some(master) => {
                    let message = format!("`{member}` is part of `{master}` already: an interface can be part of one only");
                    list.push(Complaint::value(path, message));
                }
                None => {
                    masters.insert(key, name);
                    ties.push(Tie { upper: name, lower: key, complaint: |path, message| Complaint::value(path, message), path });
                }
            }
        }
    }
    for (name, vlan) in &network.vlans {
        if let Some(lower) = network.interface(&vlan.link) {
            let complaint = |path: &str, message| Complaint::whole(format!("{path}.link"), message, path, "the VLAN");
            ties.push(Tie { upper: name, lower, complaint, path: format!("vlans.{name}") });
        }
    }
    loops(ties, list);
}

/// VLANs of one number on one interface: systemd-networkd could not make the second one, and would give up the interface itself.
pub(super) fn twins(network: &Network, list: &mut List) {
    let mut seen: BTreeMap<(&str, u16), &str> = BTreeMap::new();
    for (name, vlan) in &network.vlans {
        let Some(lower) = network.interface(&vlan.link) else { continue };
        match seen.get(&(lower, vlan.id)) {
            Some(other) => {
                let path = format!("vlans.{name}");
                let message = format!("`{other}` is the VLAN {} on `{}` already", vlan.id, vlan.link);
                list.push(Complaint::whole(format!("{path}.id"), message, &path, "the VLAN"));
            }
            None => drop(seen.insert((lower, vlan.id), name)),
        }
    }
}

/// What has members: the table, the name, and the members.
fn groups(network: &Network) -> Vec<(&'static str, &str, &[String])> {
    let bonds = network.bonds.iter().map(|(name, bond)| ("bonds", name.as_str(), bond.interfaces.as_slice()));
    let bridges = network.bridges.iter().map(|(name, bridge)| ("bridges", name.as_str(), bridge.interfaces.as_slice()));
    let vrfs = network.vrfs.iter().map(|(name, vrf)| ("vrfs", name.as_str(), vrf.interfaces.as_slice()));
    bonds.chain(bridges).chain(vrfs).collect()
}

/// Of each loop the last tie is left out.
fn loops(ties: Vec<Tie<'_>>, list: &mut List) {
    let mut lowers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for Tie { upper, lower, complaint, path } in ties {
        if reaches(lower, upper, &lowers) {
            list.push(complaint(&path, format!("`{lower}` is on `{upper}` itself: this would be a loop")));
        } else {
            lowers.entry(upper).or_default().push(lower);
        }
    }
}

/// Whether an interface is another one or on it. What is recorded has no loops.
fn reaches(from: &str, to: &str, lowers: &BTreeMap<&str, Vec<&str>>) -> bool {
    from == to || lowers.get(from).is_some_and(|below| below.iter().any(|next| reaches(next, to, lowers)))
}
