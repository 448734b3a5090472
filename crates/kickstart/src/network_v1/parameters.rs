//! Parameters of bonds and bridges, by the names that they have on the kernel's side.

use std::collections::BTreeMap;

use super::{EntryV1, Kind, Words, Wrong};
use crate::network::{Bond, BondParameters, Bridge, BridgeParameters, Time};

/// The parameters of bonds and bridges that are read.
const BOND: [&str; 19] = [
    "ad-select",
    "all-slaves-active",
    "arp-all-targets",
    "arp-interval",
    "arp-ip-target",
    "arp-validate",
    "downdelay",
    "fail-over-mac",
    "lacp-rate",
    "miimon",
    "min-links",
    "mode",
    "num-grat-arp",
    "packets-per-slave",
    "primary",
    "primary-reselect",
    "resend-igmp",
    "updelay",
    "xmit-hash-policy",
];
/// For the last four there is nothing to do: the kernel and systemd-networkd take care of it.
const BRIDGE: [&str; 14] = [
    "ageing",
    "bridgeprio",
    "fd",
    "hello",
    "hw",
    "maxage",
    "pathcost",
    "pathprio",
    "portprio",
    "stp",
    "gcint",
    "maxwait",
    "ports",
    "waitport",
];

/// A parameter's name without the prefix that it may have.
fn plain(key: &str, kind: Kind) -> String {
    let key = key.replace('_', "-");
    let prefix = match kind {
        Kind::Bond => "bond-",
        Kind::Bridge => "bridge-",
        Kind::Physical | Kind::Loopback | Kind::Vlan | Kind::Nameserver | Kind::Route => "",
    };
    key.strip_prefix(prefix).map(str::to_owned).unwrap_or(key)
}

/// Parameters that nothing reads, and values of ports that are none.
pub(super) fn wrong_parameters(path: &str, entry: &EntryV1) -> Wrong {
    let known: &[&str] = match entry.kind {
        Kind::Bond => &BOND,
        Kind::Bridge => &BRIDGE,
        Kind::Physical | Kind::Loopback | Kind::Vlan | Kind::Nameserver | Kind::Route => &[],
    };
    let wrong = entry.params.iter().filter_map(|(key, words)| {
        let plain = plain(key, entry.kind);
        let message = if !known.contains(&plain.as_str()) {
            "not known; see the parameters of version 2"
        } else if entry.kind == Kind::Bridge && plain == "pathcost" && ports::<u32>(words).is_none() {
            "write ports with numbers, such as `eth0 75`"
        } else if entry.kind == Kind::Bridge && PRIORITIES.contains(&plain.as_str()) && ports::<u8>(words).is_none() {
            "write ports with numbers from 0 to 63, such as `eth0 28`"
        } else {
            return None;
        };
        Some((format!("{path}.params.{key}"), message.to_owned()))
    });
    wrong.collect()
}

/// Names of the priorities of a bridge's ports.
const PRIORITIES: [&str; 2] = ["portprio", "pathprio"];

/// Numbers of ports: `eth0 75`; nothing if they are not that.
fn ports<T: std::str::FromStr>(Words(list): &Words) -> Option<BTreeMap<String, T>> {
    let words: Vec<&str> = list.iter().flat_map(|text| text.split_whitespace()).collect();
    let pairs = words.chunks(2).map(|pair| match pair {
        [port, number] => Some(((*port).to_owned(), number.parse().ok()?)),
        _ => None,
    });
    pairs.collect()
}

fn found<'a>(entry: &'a EntryV1, name: &str) -> Option<&'a Words> {
    entry.params.iter().find(|(key, _)| plain(key, entry.kind) == name).map(|(_, words)| words)
}

/// A parameter by its name, with hyphens or underscores, and with or without the kind's prefix.
fn parameter(entry: &EntryV1, name: &str) -> Option<String> {
    found(entry, name).map(|Words(list)| list.join(" "))
}

fn number<T: std::str::FromStr>(entry: &EntryV1, name: &str) -> Option<T> {
    parameter(entry, name)?.parse().ok()
}

fn time(entry: &EntryV1, name: &str) -> Option<Time> {
    parameter(entry, name).map(Into::into)
}

fn flag(entry: &EntryV1, name: &str) -> Option<bool> {
    parameter(entry, name).map(|word| matches!(word.to_ascii_lowercase().as_str(), "on" | "yes" | "true" | "1"))
}

pub(super) fn bond(entry: &EntryV1) -> Bond {
    let parameters = BondParameters {
        mode: parameter(entry, "mode").map(|mode| bond_mode(&mode).to_owned()),
        lacp_rate: parameter(entry, "lacp-rate").map(|rate| {
            if rate == "1" {
                "fast".into()
            } else if rate == "0" {
                "slow".into()
            } else {
                rate
            }
        }),
        mii_monitor_interval: time(entry, "miimon"),
        transmit_hash_policy: parameter(entry, "xmit-hash-policy"),
        up_delay: time(entry, "updelay"),
        down_delay: time(entry, "downdelay"),
        primary: parameter(entry, "primary"),
        min_links: number(entry, "min-links"),
        arp_interval: time(entry, "arp-interval"),
        arp_ip_targets: parameter(entry, "arp-ip-target")
            .map(|text| text.split([',', ' ']).filter(|word| !word.is_empty()).map(str::to_owned).collect())
            .unwrap_or_default(),
        arp_validate: parameter(entry, "arp-validate"),
        arp_all_targets: parameter(entry, "arp-all-targets"),
        fail_over_mac_policy: parameter(entry, "fail-over-mac"),
        primary_reselect_policy: parameter(entry, "primary-reselect"),
        ad_select: parameter(entry, "ad-select"),
        resend_igmp: number(entry, "resend-igmp"),
        gratuitous_arp: number(entry, "num-grat-arp"),
        packets_per_member: number(entry, "packets-per-slave"),
        all_members_active: flag(entry, "all-slaves-active"),
        ..BondParameters::default()
    };
    Bond { interfaces: entry.bond_interfaces.clone(), parameters, ..Bond::default() }
}

/// The modes of Linux' bonding driver by their numbers.
fn bond_mode(mode: &str) -> &str {
    const MODES: [&str; 7] = ["balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb"];
    mode.parse::<usize>().ok().and_then(|number| MODES.get(number).copied()).unwrap_or(mode)
}

pub(super) fn bridge(entry: &EntryV1) -> Bridge {
    let parameters = BridgeParameters {
        stp: flag(entry, "stp"),
        forward_delay: time(entry, "fd"),
        ageing_time: time(entry, "ageing"),
        priority: number(entry, "bridgeprio"),
        hello_time: time(entry, "hello"),
        max_age: time(entry, "maxage"),
        path_cost: found(entry, "pathcost").and_then(ports).unwrap_or_default(),
        port_priority: found(entry, "portprio").or_else(|| found(entry, "pathprio")).and_then(ports).unwrap_or_default(),
        ..BridgeParameters::default()
    };
    let macaddress = parameter(entry, "hw");
    Bridge { interfaces: entry.bridge_interfaces.clone(), parameters, macaddress, ..Bridge::default() }
}
