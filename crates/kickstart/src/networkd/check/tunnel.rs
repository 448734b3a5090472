//! What is wrong with tunnels.

use std::net::{IpAddr, Ipv4Addr};

use super::link::network as is_network;
use super::{List, is_word};
use crate::document::Complaint;
use crate::network::{Peer, Tunnel, TunnelKeys, TunnelMode};
use crate::{Network, Secret};

pub(super) fn tunnel(path: &str, tunnel: &Tunnel, network: &Network, list: &mut List) {
    let mut wrong = |key: &str, message: &str| list.push(Complaint::whole(format!("{path}.{key}"), message, path, "the tunnel"));
    if tunnel.link.as_ref().is_some_and(|link| network.interface(link).is_none()) {
        wrong("link", "no interface is called so");
    }
    let Some(mode) = tunnel.mode else { return wrong("mode", "it is missing: write the kind of tunnel") };
    match mode {
        TunnelMode::WireGuard => wireguard(path, tunnel, list),
        TunnelMode::VxLan => vxlan(path, tunnel, list),
        TunnelMode::Gre | TunnelMode::GreTap | TunnelMode::Ipip | TunnelMode::Sit | TunnelMode::Vti => {
            ends(path, tunnel, Outside::Ipv4, list);
        }
        TunnelMode::Ip6Gre | TunnelMode::Ip6GreTap | TunnelMode::Ipip6 | TunnelMode::Ip6Ip6 | TunnelMode::Vti6 => {
            ends(path, tunnel, Outside::Ipv6, list);
        }
    }
}

/// The version of IP of a tunnel's own packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outside {
    Ipv4,
    Ipv6,
}

impl Outside {
    fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::Ipv4 } else { Self::Ipv6 }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
        }
    }
}

/// The two ends of a tunnel, and the numbers of its packets.
fn ends(path: &str, tunnel: &Tunnel, outside: Outside, list: &mut List) {
    let mut wrong = |key: &str, message: String| list.push(Complaint::whole(format!("{path}.{key}"), message, path, "the tunnel"));
    if tunnel.remote.is_none() {
        wrong("remote", "it is missing: write the address of the other end".to_owned());
    }
    for (key, address) in [("local", tunnel.local), ("remote", tunnel.remote)] {
        if address.is_some_and(|address| Outside::of(address) != outside) {
            wrong(key, format!("a tunnel of this mode is in {}", outside.name()));
        }
    }
    if tunnel.ttl == Some(0) {
        list.push(Complaint::value(format!("{path}.ttl"), "use 1 to 255"));
    }
    let Some(TunnelKeys { private, input, output }) = &tunnel.key else { return };
    if [private, input, output].into_iter().flatten().any(|key| !is_number(key)) {
        let message = "a key of such a tunnel is a number, or has the form of an IPv4 address";
        list.push(Complaint::whole(format!("{path}.key"), message, path, "the tunnel"));
    }
}

fn vxlan(path: &str, tunnel: &Tunnel, list: &mut List) {
    if tunnel.id.is_none_or(|id| !(1..=16_777_215).contains(&id)) {
        list.push(Complaint::whole(format!("{path}.id"), "use 1 to 16777215", path, "the tunnel"));
    }
    if let (Some(local), Some(remote)) = (tunnel.local, tunnel.remote)
        && Outside::of(local) != Outside::of(remote)
    {
        list.push(Complaint::whole(format!("{path}.remote"), "its version of IP is not that of `local`", path, "the tunnel"));
    }
    let mut wrong = |key: &str, message: &str| list.push(Complaint::value(format!("{path}.{key}"), message));
    if !matches!(tunnel.port_range[..], [] | [_, _]) || !tunnel.port_range.is_sorted() || tunnel.port_range.contains(&0) {
        wrong("port-range", "write the first and the last port: [40000, 49999]");
    }
    if tunnel.port == Some(0) {
        wrong("port", "use 1 to 65535");
    }
    if tunnel.flow_label.is_some_and(|label| label > 1_048_575) {
        wrong("flow-label", "use 0 to 1048575");
    }
}

fn wireguard(path: &str, tunnel: &Tunnel, list: &mut List) {
    let private = tunnel.key.as_ref().and_then(|keys| keys.private.as_ref());
    if !private.is_some_and(is_wireguard_key) {
        let message = "it must be a private key of WireGuard in Base64, or the path of a file that contains one";
        list.push(Complaint::whole(format!("{path}.key"), message, path, "the tunnel"));
    }
    for (index, one) in tunnel.peers.iter().enumerate() {
        peer(&format!("{path}.peers[{index}]"), one, list);
    }
}

fn peer(path: &str, peer: &Peer, list: &mut List) {
    let mut wrong = |key: &str, message: &str| list.push(Complaint::whole(format!("{path}.keys.{key}"), message, path, "the peer"));
    if !peer.keys.public.as_deref().is_some_and(is_wireguard_text) {
        wrong("public", "it must be a public key of WireGuard in Base64");
    }
    if !peer.keys.shared.as_ref().is_none_or(is_wireguard_key) {
        wrong("shared", "it must be a key of WireGuard in Base64, or the path of a file that contains one");
    }
    if peer.endpoint.as_ref().is_some_and(|endpoint| !is_endpoint(endpoint)) {
        list.push(Complaint::value(format!("{path}.endpoint"), "write an address or name, a colon and a port"));
    }
    for (index, text) in peer.allowed_ips.iter().enumerate().filter(|(_, text)| is_network(text).is_none()) {
        list.push(Complaint::value(format!("{path}.allowed-ips[{index}]"), format!("`{text}` is not a network")));
    }
}

/// `host:port`, where an address of IPv6 is in brackets.
fn is_endpoint(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let is_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && is_word(host) && !host.contains(':'),
    };
    is_host && port.parse::<u16>().is_ok_and(|port| port > 0)
}

fn is_number(key: &Secret) -> bool {
    key.reveal().parse::<u32>().is_ok() || key.reveal().parse::<Ipv4Addr>().is_ok()
}

fn is_wireguard_key(key: &Secret) -> bool {
    is_wireguard_text(key.reveal()) || key.reveal().starts_with('/') && is_word(key.reveal())
}

/// 32 bytes in Base64.
fn is_wireguard_text(text: &str) -> bool {
    text.len() == 44 && text.ends_with('=') && crate::document::unpack_base64(text).is_some_and(|bytes| bytes.len() == 32)
}
