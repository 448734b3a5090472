//! Interfaces that are made, as systemd.netdev(5) has them.

use super::{pairs, yes};
use crate::network::{
    Bond, BondParameters, Bridge, BridgeParameters, Peer, PeerKeys, Time, Tunnel, TunnelKeys, TunnelMode, VirtualEthernet, Vlan, Vrf,
    VxLanChecksum, VxLanExtension, VxLanNotification, only,
};

/// The text of a file.
pub(super) struct Netdev {
    pub content: String,
    pub is_secret: bool,
}

/// An interface of which nothing but its kind is said.
pub(super) fn plain(name: &str, kind: &str, mac: Option<&str>) -> Netdev {
    let lines =
        pairs(&[("Name", Some(name.to_owned())), ("Kind", Some(kind.to_owned())), ("MACAddress", mac.map(|mac| mac.replace('-', ":")))]);
    Netdev { content: format!("[NetDev]\n{lines}"), is_secret: false }
}

fn with(mut netdev: Netdev, section: &str, lines: &[(&str, Option<String>)]) -> Netdev {
    let lines = pairs(lines);
    if !lines.is_empty() {
        netdev.content.push_str(&format!("\n[{section}]\n{lines}"));
    }
    netdev
}

fn flag(value: Option<bool>) -> Option<String> {
    value.map(|value| yes(value).to_owned())
}

fn number(value: Option<u32>) -> Option<String> {
    value.map(|value| value.to_string())
}

fn time(value: &Option<Time>, unit: &str) -> Option<String> {
    value.as_ref().map(|time| time.with_unit(unit))
}

pub(super) fn bond(name: &str, bond: &Bond) -> Netdev {
    // Its cards are tied to it in their own files.
    let only!(Bond { interfaces: _, parameters }) = bond;
    let BondParameters {
        mode,
        lacp_rate,
        mii_monitor_interval,
        min_links,
        transmit_hash_policy,
        ad_select,
        all_members_active,
        arp_interval,
        arp_ip_targets,
        arp_validate,
        arp_all_targets,
        up_delay,
        down_delay,
        fail_over_mac_policy,
        gratuitous_arp,
        packets_per_member,
        primary_reselect_policy,
        resend_igmp,
        learn_packet_interval,
        primary: _,
    } = parameters;
    let targets: Vec<String> = arp_ip_targets.iter().map(ToString::to_string).collect();
    let lines = [
        ("Mode", mode.map(|word| word.as_str().to_owned())),
        ("LACPTransmitRate", lacp_rate.map(|word| word.as_str().to_owned())),
        ("MIIMonitorSec", time(mii_monitor_interval, "ms")),
        ("MinLinks", number(*min_links)),
        ("TransmitHashPolicy", transmit_hash_policy.map(|word| word.as_str().to_owned())),
        ("AdSelect", ad_select.map(|word| word.as_str().to_owned())),
        ("AllSlavesActive", flag(*all_members_active)),
        ("ARPIntervalSec", time(arp_interval, "ms")),
        ("ARPIPTargets", (!targets.is_empty()).then(|| targets.join(" "))),
        ("ARPValidate", arp_validate.map(|word| word.as_str().to_owned())),
        ("ARPAllTargets", arp_all_targets.map(|word| word.as_str().to_owned())),
        ("UpDelaySec", time(up_delay, "ms")),
        ("DownDelaySec", time(down_delay, "ms")),
        ("FailOverMACPolicy", fail_over_mac_policy.map(|word| word.as_str().to_owned())),
        ("GratuitousARP", number(*gratuitous_arp)),
        ("PacketsPerSlave", number(*packets_per_member)),
        ("PrimaryReselectPolicy", primary_reselect_policy.map(|word| word.as_str().to_owned())),
        ("ResendIGMP", number(*resend_igmp)),
        ("LearnPacketIntervalSec", time(learn_packet_interval, "s")),
    ];
    with(plain(name, "bond", bond.macaddress.as_deref()), "Bond", &lines)
}

pub(super) fn bridge(name: &str, bridge: &Bridge) -> Netdev {
    // What is said of ports is in their own files.
    let only!(Bridge { interfaces: _, parameters }) = bridge;
    let BridgeParameters { ageing_time, priority, forward_delay, hello_time, max_age, stp, path_cost: _, port_priority: _ } = parameters;
    let lines = [
        ("AgeingTimeSec", time(ageing_time, "s")),
        ("Priority", priority.map(|priority| priority.to_string())),
        ("ForwardDelaySec", time(forward_delay, "s")),
        ("HelloTimeSec", time(hello_time, "s")),
        ("MaxAgeSec", time(max_age, "s")),
        ("STP", flag(*stp)),
    ];
    with(plain(name, "bridge", bridge.macaddress.as_deref()), "Bridge", &lines)
}

pub(super) fn vlan(name: &str, vlan: &Vlan) -> Netdev {
    let only!(Vlan { id, link: _ }) = vlan;
    with(plain(name, "vlan", vlan.macaddress.as_deref()), "VLAN", &[("Id", Some(id.to_string()))])
}

pub(super) fn vrf(name: &str, vrf: &Vrf) -> Netdev {
    let only!(Vrf { table, interfaces: _ }) = vrf;
    with(plain(name, "vrf", None), "VRF", &[("Table", Some(table.to_string()))])
}

pub(super) fn pair(name: &str, one: &VirtualEthernet) -> Netdev {
    let only!(VirtualEthernet { peer }) = one;
    with(plain(name, "veth", one.macaddress.as_deref()), "Peer", &[("Name", Some(peer.clone()))])
}

/// The key of `[Network]` by which an interface knows a tunnel that is on it.
pub(super) fn tie(mode: Option<TunnelMode>) -> &'static str {
    if mode == Some(TunnelMode::VxLan) { "VXLAN" } else { "Tunnel" }
}

pub(super) fn tunnel(name: &str, tunnel: &Tunnel) -> Netdev {
    // The mark and the other ends are WireGuard's.
    let Tunnel { mode, local, remote, ttl, key: keys, link, .. } = tunnel;
    let keys = keys.as_ref();
    let address = |address: &Option<std::net::IpAddr>| address.map(|address| address.to_string());
    let ttl = || ttl.map(|ttl| ttl.to_string());
    let is_alone = || link.is_none().then(|| "yes".to_owned());
    let netdev = |kind: &str| plain(name, kind, tunnel.macaddress.as_deref());
    let ends = |kind: &str, section: &str, further: &[(&str, Option<String>)]| {
        let ends = [("Independent", is_alone()), ("Local", address(local)), ("Remote", address(remote)), ("TTL", ttl())];
        with(netdev(kind), section, &[&ends, further].concat())
    };
    // A tunnel without a mode is refused before it comes here.
    let mode = mode.unwrap_or(TunnelMode::Sit);
    match mode {
        TunnelMode::WireGuard => wireguard(netdev("wireguard"), tunnel, keys),
        TunnelMode::VxLan => vxlan(netdev("vxlan"), tunnel),
        TunnelMode::Ipip6 | TunnelMode::Ip6Ip6 => {
            ends("ip6tnl", "Tunnel", &[("Mode", Some(if mode == TunnelMode::Ipip6 { "ipip6" } else { "ip6ip6" }.to_owned()))])
        }
        TunnelMode::Gre
        | TunnelMode::GreTap
        | TunnelMode::Ip6Gre
        | TunnelMode::Ip6GreTap
        | TunnelMode::Ipip
        | TunnelMode::Sit
        | TunnelMode::Vti
        | TunnelMode::Vti6 => ends(mode.as_str(), "Tunnel", &numbers(keys)),
    }
}

fn vxlan(netdev: Netdev, tunnel: &Tunnel) -> Netdev {
    // Keys, the mark and the other ends are other tunnels'; what is said of it as a port of a bridge is in its other file.
    let only!(Tunnel {
        mode: _,
        local,
        remote,
        ttl,
        key: _,
        mark: _,
        port,
        peers: _,
        id,
        link,
        mac_learning,
        ageing,
        limit,
        arp_proxy,
        neigh_suppress: _,
        notifications,
        short_circuit,
        checksums,
        extensions,
        port_range,
        flow_label,
        type_of_service,
        do_not_fragment,
    }) = tunnel;
    let told = |of| notifications.contains(&of).then(|| "yes".to_owned());
    let sum = |of| checksums.contains(&of).then(|| "yes".to_owned());
    let extension = |of| extensions.contains(&of).then(|| "yes".to_owned());
    let lines = [
        ("VNI", number(*id)),
        ("Local", local.map(|address| address.to_string())),
        (if remote.is_some_and(|remote| remote.is_multicast()) { "Group" } else { "Remote" }, remote.map(|address| address.to_string())),
        ("TOS", type_of_service.map(|kind| kind.to_string())),
        ("TTL", ttl.map(|ttl| ttl.to_string())),
        ("MacLearning", flag(*mac_learning)),
        ("FDBAgeingSec", time(ageing, "s")),
        ("MaximumFDBEntries", number(*limit)),
        ("ReduceARPProxy", flag(*arp_proxy)),
        ("L2MissNotification", told(VxLanNotification::L2Miss)),
        ("L3MissNotification", told(VxLanNotification::L3Miss)),
        ("RouteShortCircuit", flag(*short_circuit)),
        ("UDPChecksum", sum(VxLanChecksum::Udp)),
        ("UDP6ZeroChecksumTx", sum(VxLanChecksum::ZeroUdp6Tx)),
        ("UDP6ZeroChecksumRx", sum(VxLanChecksum::ZeroUdp6Rx)),
        ("RemoteChecksumTx", sum(VxLanChecksum::RemoteTx)),
        ("RemoteChecksumRx", sum(VxLanChecksum::RemoteRx)),
        ("GroupPolicyExtension", extension(VxLanExtension::GroupPolicy)),
        ("GenericProtocolExtension", extension(VxLanExtension::GenericProtocol)),
        ("DestinationPort", port.map(|port| port.to_string())),
        ("PortRange", port_range.first().zip(port_range.last()).map(|(first, last)| format!("{first}-{last}"))),
        ("FlowLabel", number(*flow_label)),
        ("IPDoNotFragment", flag(*do_not_fragment)),
        ("Independent", link.is_none().then(|| "yes".to_owned())),
    ];
    with(netdev, "VXLAN", &lines)
}

/// The numbers of a tunnel's packets.
fn numbers(keys: Option<&TunnelKeys>) -> [(&'static str, Option<String>); 3] {
    let text = |secret: &Option<crate::Secret>| secret.as_ref().map(|secret| secret.reveal().to_owned());
    let key = |get: fn(&TunnelKeys) -> &Option<crate::Secret>| keys.and_then(|keys| text(get(keys)));
    [("Key", key(|keys| &keys.private)), ("InputKey", key(|keys| &keys.input)), ("OutputKey", key(|keys| &keys.output))]
}

fn wireguard(netdev: Netdev, tunnel: &Tunnel, keys: Option<&TunnelKeys>) -> Netdev {
    // A key, or the path of a file that contains it.
    let key = |name: &'static str, file: &'static str, secret: Option<&crate::Secret>| {
        let text = secret.map(|secret| secret.reveal().to_owned());
        (if text.as_ref().is_some_and(|text| text.starts_with('/')) { file } else { name }, text)
    };
    let private = keys.and_then(|keys| keys.private.as_ref());
    let lines = [
        key("PrivateKey", "PrivateKeyFile", private),
        ("ListenPort", tunnel.port.map(|port| port.to_string())),
        ("FirewallMark", number(tunnel.mark)),
    ];
    let mut netdev = with(netdev, "WireGuard", &lines);
    for Peer { endpoint, allowed_ips, keepalive, keys: PeerKeys { public, shared } } in &tunnel.peers {
        let lines = [
            ("PublicKey", public.clone()),
            key("PresharedKey", "PresharedKeyFile", shared.as_ref()),
            ("AllowedIPs", (!allowed_ips.is_empty()).then(|| allowed_ips.join(","))),
            ("PersistentKeepalive", keepalive.map(|seconds| seconds.to_string())),
            ("Endpoint", endpoint.clone()),
        ];
        netdev = with(netdev, "WireGuardPeer", &lines);
    }
    let secrets = private.into_iter().chain(tunnel.peers.iter().filter_map(|peer| peer.keys.shared.as_ref()));
    netdev.is_secret = secrets.into_iter().any(|secret| !secret.reveal().starts_with('/'));
    netdev
}
