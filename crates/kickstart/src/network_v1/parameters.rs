//! Parameters of bonds and bridges, by the names that they have on the kernel's side.

use super::{EntryV1, Kind, Text};
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
/// The last three ask for nothing that is not so anyway.
const BRIDGE: [&str; 9] = ["stp", "fd", "ageing", "bridgeprio", "hello", "maxage", "maxwait", "ports", "waitport"];

/// Parameters that nothing reads.
pub(super) fn unknown_parameters(name: &str, entry: &EntryV1) -> Vec<String> {
    let (prefix, known): (_, &[&str]) = match entry.kind {
        Kind::Bond => ("bond-", &BOND),
        Kind::Bridge => ("bridge-", &BRIDGE),
        Kind::Physical | Kind::Loopback | Kind::Vlan | Kind::Nameserver | Kind::Route => ("", &[]),
    };
    let is_known = |key: &&String| key.replace('_', "-").strip_prefix(prefix).is_some_and(|word| known.contains(&word));
    let unknown = entry.params.keys().filter(|key| !is_known(key));
    unknown.map(|key| format!("{name}: params: `{key}` is not known; see the parameters of version 2")).collect()
}

/// A parameter by its name, with hyphens or underscores.
fn parameter(entry: &EntryV1, name: &str) -> Option<String> {
    let found = entry.params.iter().find(|(key, _)| key.replace('_', "-") == name);
    found.map(|(_, Text(value))| value.clone())
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
        mode: parameter(entry, "bond-mode").map(|mode| bond_mode(&mode).to_owned()),
        lacp_rate: parameter(entry, "bond-lacp-rate").map(|rate| {
            if rate == "1" {
                "fast".into()
            } else if rate == "0" {
                "slow".into()
            } else {
                rate
            }
        }),
        mii_monitor_interval: time(entry, "bond-miimon"),
        transmit_hash_policy: parameter(entry, "bond-xmit-hash-policy"),
        up_delay: time(entry, "bond-updelay"),
        down_delay: time(entry, "bond-downdelay"),
        primary: parameter(entry, "bond-primary"),
        min_links: number(entry, "bond-min-links"),
        arp_interval: time(entry, "bond-arp-interval"),
        arp_ip_targets: parameter(entry, "bond-arp-ip-target")
            .map(|text| text.split([',', ' ']).map(str::to_owned).collect())
            .unwrap_or_default(),
        arp_validate: parameter(entry, "bond-arp-validate"),
        arp_all_targets: parameter(entry, "bond-arp-all-targets"),
        fail_over_mac_policy: parameter(entry, "bond-fail-over-mac"),
        primary_reselect_policy: parameter(entry, "bond-primary-reselect"),
        ad_select: parameter(entry, "bond-ad-select"),
        resend_igmp: number(entry, "bond-resend-igmp"),
        gratuitous_arp: number(entry, "bond-num-grat-arp"),
        packets_per_member: number(entry, "bond-packets-per-slave"),
        all_members_active: flag(entry, "bond-all-slaves-active"),
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
        stp: flag(entry, "bridge-stp"),
        forward_delay: time(entry, "bridge-fd"),
        ageing_time: time(entry, "bridge-ageing"),
        priority: number(entry, "bridge-bridgeprio"),
        hello_time: time(entry, "bridge-hello"),
        max_age: time(entry, "bridge-maxage"),
        ..BridgeParameters::default()
    };
    Bridge { interfaces: entry.bridge_interfaces.clone(), parameters, ..Bridge::default() }
}
