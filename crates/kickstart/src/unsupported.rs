//! Keys of other programs that are understood, but that nothing here acts on, and what to do instead. Those of Photon's files are in
//! [`crate::photon`].

use crate::document::{Dialect, Unknown};
use crate::photon;

/// Struct, key, reason.
const KEYS: [(&str, &str, &str); 6] = [
    ("Network", "wifis", "there are no programs for wireless networks"),
    ("Network", "modems", "there are no programs for modems"),
    ("Network", "nm-devices", "there is no NetworkManager; systemd-networkd configures the network"),
    ("Network", "openvswitch", "Open vSwitch is not part of the system"),
    ("Network", "config", "this is version 1 of the network description; write version 2, with `ethernets`"),
    ("Network", "routes", "routes belong to an interface: write them below it"),
];

/// Why a key is refused, if it is one that is known from elsewhere.
pub(super) fn reason(of: &str, key: &str) -> Option<&'static str> {
    photon::reason(of, key).or_else(|| KEYS.iter().find(|(name, known, _)| *name == of && *known == key).map(|(.., reason)| *reason))
}

/// Those that are not Photon's by struct, for the reference.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    KEYS.into_iter()
}

/// How kickstart files are read.
pub(super) fn kickstart() -> Dialect {
    Dialect { needless: needless_in_network, short, ..Dialect::plain(reason) }
}

/// Keys of descriptions of networks that ask for nothing that is not so anyway.
fn needless_in_network(of: &str, key: &str) -> bool {
    matches!(key, "optional-addresses" | "networkmanager")
        || of == "EntryV1" && key == "id"
        || of == "Subnet" && matches!(key, "ipv4" | "ipv6" | "broadcast" | "scope" | "pointopoint")
        || of == "Ethernet" && key == "delay-virtual-functions-rebind"
}

/// The key that a text in place of a struct stands for.
fn short(of: &str) -> Option<&'static str> {
    (of == "TunnelKeys").then_some("private")
}

/// What must be left out if a key of it is not understood.
fn vital(of: &str, key: &str) -> Option<&'static str> {
    match (of, key) {
        ("Match", _) | ("Ethernet", "match") => Some("the card"),
        ("Vlan", "id" | "link") => Some("the VLAN"),
        ("Tunnel", "mode" | "local" | "remote" | "key" | "keys" | "id" | "link") | ("TunnelKeys", _) => Some("the tunnel"),
        ("Peer", "keys") | ("PeerKeys", _) => Some("the peer"),
        ("Vrf", "table") => Some("the VRF"),
        ("VirtualEthernet", "peer") => Some("the interface"),
        // Without its table, a route would be for all packets.
        ("Route", "to" | "via" | "table") => Some("the route"),
        ("RouteV1", "destination" | "network" | "netmask" | "prefix" | "gateway") => Some("the route"),
        // Without what it says of packets, a rule would be for others, too.
        ("Rule", "from" | "to" | "iif" | "oif" | "table" | "type" | "mark" | "type-of-service") => Some("the rule"),
        _ => None,
    }
}

/// How descriptions of networks are read that programs write for all kinds of systems.
pub fn network() -> Dialect {
    Dialect {
        unsupported: |of, key| {
            const ALL: [(&str, &str); 5] = [
                ("auth", "there are no programs for authentication at switches"),
                ("openvswitch", "Open vSwitch is not part of the system"),
                ("access-points", "there are no programs for wireless networks"),
                ("embedded-switch-mode", "set it with devlink in a unit"),
                ("infiniband-mode", "set it in a file for systemd-networkd, with `write_files`"),
            ];
            if key == "type" && matches!(of, "Network" | "Ethernet") {
                return Some("this is version 1 of the network description; write version 2, with `ethernets`");
            }
            reason(of, key).or_else(|| ALL.iter().find(|(known, _)| *known == key).map(|(_, reason)| *reason))
        },
        needless: needless_in_network,
        vital,
        elsewhere: |_, _, _| None,
        unknown: |of| match of {
            "Rule" => Unknown::Whole,
            "Match" => Unknown::WholeIfEmpty,
            _ => Unknown::Alone,
        },
        short,
        hyphens: false,
    }
}
