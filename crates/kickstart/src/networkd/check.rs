//! What is wrong with a network beyond what its types say.

use std::net::IpAddr;

use crate::network::{Family, Link, RuleKind, Tunnel, TunnelMode};
use crate::{Cidr, Match, Network, Secret};

/// Paths and messages.
type List = Vec<(String, String)>;

/// What is wrong, by path. What is said of one thing is by the path of the whole that cannot be used because of it.
pub fn complaints(network: &Network) -> Vec<(String, String)> {
    let mut list = List::new();
    cards(network, &mut list);
    for (name, bond) in &network.bonds {
        let path = made("bonds", name, network, &mut list);
        members(&path, &bond.interfaces, name, network, &mut list);
        let words = [&bond.parameters.mode, &bond.parameters.lacp_rate, &bond.parameters.transmit_hash_policy, &bond.parameters.ad_select];
        let others = [&bond.parameters.arp_validate, &bond.parameters.arp_all_targets, &bond.parameters.fail_over_mac_policy];
        let words = words.into_iter().chain(others).chain([&bond.parameters.primary_reselect_policy, &bond.parameters.primary]);
        if words.flatten().any(|word| !is_word(word)) {
            list.push((format!("{path}.parameters"), "a value contains a character that it cannot contain".to_owned()));
        }
        for (index, target) in bond.parameters.arp_ip_targets.iter().enumerate().filter(|(_, target)| target.parse::<IpAddr>().is_err()) {
            list.push((format!("{path}.parameters.arp-ip-targets[{index}]"), format!("`{target}` is not an address")));
        }
        link(&path, &bond.link(), &mut list);
    }
    for (name, bridge) in &network.bridges {
        let path = made("bridges", name, network, &mut list);
        members(&path, &bridge.interfaces, name, network, &mut list);
        link(&path, &bridge.link(), &mut list);
    }
    for (name, vlan) in &network.vlans {
        let path = made("vlans", name, network, &mut list);
        if !(1..=4094).contains(&vlan.id) {
            list.push((path.clone(), "`id` must be 1 to 4094".to_owned()));
        }
        if !exists(&vlan.link, network) {
            list.push((path.clone(), format!("`link`: no interface is called `{}`", vlan.link)));
        }
        link(&path, &vlan.link(), &mut list);
    }
    for (name, tunnel) in &network.tunnels {
        let path = made("tunnels", name, network, &mut list);
        tunnels(&path, tunnel, network, &mut list);
        link(&path, &tunnel.link(), &mut list);
    }
    for (name, vrf) in &network.vrfs {
        let path = made("vrfs", name, network, &mut list);
        if vrf.table == 0 {
            list.push((path.clone(), "`table` is missing: write the number of a routing table".to_owned()));
        }
        members(&path, &vrf.interfaces, name, network, &mut list);
        link_of(&path, &vrf.link(), Some(vrf.table), &mut list);
    }
    for (name, dummy) in &network.dummy_devices {
        let path = made("dummy-devices", name, network, &mut list);
        link(&path, &dummy.link(), &mut list);
    }
    for (name, one) in &network.virtual_ethernets {
        let path = made("virtual-ethernets", name, network, &mut list);
        if network.virtual_ethernets.get(&one.peer).is_none_or(|other| other.peer != *name) || one.peer == *name {
            list.push((path.clone(), format!("`peer`: `{}` must be another one of the table, with this one as its peer", one.peer)));
        }
        link(&path, &one.link(), &mut list);
    }
    list
}

fn cards(network: &Network, list: &mut List) {
    for (name, card) in &network.ethernets {
        let path = format!("ethernets.{name}");
        if !is_file_name(name) {
            list.push((path.clone(), "the name must consist of letters, digits, `-`, `_` and `.`".to_owned()));
        }
        if IS_KEY.contains(&name.as_str()) && card.matches.is_none() {
            list.push((path.clone(), "this is a key of an interface, not one: indent it below the interface that it is for".to_owned()));
        }
        matches(&path, name, card.matches.as_ref(), list);
        if card.set_name.as_ref().is_some_and(|name| !is_interface(name)) {
            list.push((format!("{path}.set-name"), NO_INTERFACE.to_owned()));
        }
        if card.link.as_ref().is_some_and(|link| !network.ethernets.contains_key(link)) {
            list.push((format!("{path}.link"), "no card in `ethernets` is called so".to_owned()));
        }
        link(&path, &card.link(), list);
    }
}

/// What an interface that is made must be; gives its path.
fn made(kind: &str, name: &str, network: &Network, list: &mut List) -> String {
    let path = format!("{kind}.{name}");
    if !is_interface(name) {
        list.push((path.clone(), NO_INTERFACE.to_owned()));
    }
    if network.ethernets.contains_key(name) {
        list.push((path.clone(), "a card has the same name".to_owned()));
    }
    path
}

/// Keys that are taken for interfaces where they are not indented enough.
const IS_KEY: [&str; 4] = ["dhcp4-overrides", "dhcp6-overrides", "match", "nameservers"];

const NO_INTERFACE: &str = "an interface name has at most 15 letters, digits, `-`, `_` and `.`";

fn is_file_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn is_interface(name: &str) -> bool {
    is_file_name(name) && name.len() <= 15
}

/// Whether a word may stand in a line of a file.
fn is_word(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic())
}

fn exists(name: &str, network: &Network) -> bool {
    network.ethernets.contains_key(name)
        || network.bonds.contains_key(name)
        || network.bridges.contains_key(name)
        || network.vlans.contains_key(name)
        || network.tunnels.contains_key(name)
        || network.vrfs.contains_key(name)
        || network.dummy_devices.contains_key(name)
        || network.virtual_ethernets.contains_key(name)
}

fn members(path: &str, members: &[String], of: &str, network: &Network, list: &mut List) {
    for (index, member) in members.iter().enumerate() {
        if !exists(member, network) || member == of {
            list.push((
                format!("{path}.interfaces[{index}]"),
                format!("no other interface is called `{member}`: describe it in `ethernets`"),
            ));
        }
    }
}

fn matches(path: &str, name: &str, given: Option<&Match>, list: &mut List) {
    let is_name = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.*?[]@".contains(&byte));
    let Some(given) = given else {
        if name.len() > 15 {
            list.push((path.to_owned(), "an interface name has at most 15 letters; identify the card with `match`".to_owned()));
        }
        return;
    };
    // Without what it says, it would be another card.
    let mut wrong = |message: String| list.push((path.to_owned(), format!("`match`: {message}")));
    if *given == Match::default() {
        wrong("it is empty: set `name`, `macaddress` or `driver`".to_owned());
    }
    if given.name.iter().chain(given.driver.iter().flatten()).any(|text| !is_name(text)) {
        wrong("it contains a character that names cannot contain".to_owned());
    }
    if given.macaddress.as_ref().is_some_and(|text| !is_mac(text)) {
        wrong("`macaddress` is not an address such as 00:50:56:01:02:03".to_owned());
    }
}

fn is_mac(text: &str) -> bool {
    let parts: Vec<&str> = text.split([':', '-']).collect();
    parts.len() == 6 && parts.iter().all(|part| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn link(path: &str, link: &Link<'_>, list: &mut List) {
    link_of(path, link, None, list);
}

/// As [`link`], with the table that rules mean by default.
fn link_of(path: &str, link: &Link<'_>, table: Option<u32>, list: &mut List) {
    for (key, gateway) in link.gateways {
        let Some(gateway) = gateway else { continue };
        if key == "gateway4" && gateway.is_ipv6() || key == "gateway6" && gateway.is_ipv4() {
            list.push((format!("{path}.{key}"), "the address is of the other IP version".to_owned()));
        }
        if !is_reached(gateway, link) {
            let hint = "write a route to `default` with `via` and `on-link: true` in place of it";
            list.push((format!("{path}.{key}"), unreached(gateway, hint)));
        }
    }
    for (index, route) in link.routes.iter().enumerate() {
        let path = format!("{path}.routes[{index}]");
        if !is_network(&route.to) && route.to != "default" {
            list.push((path.clone(), format!("`to`: `{}` is neither a network nor `default`", route.to)));
        }
        if route.kind.iter().chain(&route.scope).any(|word| !is_word(word)) {
            list.push((path.clone(), "`type` or `scope` is not a word".to_owned()));
        }
        // The gateways of a VRF are in the networks of its interfaces.
        let is_known = table.is_some() || route.on_link == Some(true);
        if let Some(gateway) = route.via.filter(|gateway| !is_known && !is_reached(*gateway, link)) {
            list.push((path, unreached(gateway, "add `on-link: true`")));
        }
    }
    for (index, rule) in link.rules.iter().enumerate() {
        let path = format!("{path}.routing-policy[{index}]");
        if rule.from.iter().chain(&rule.to).any(|text| !is_network(text)) {
            list.push((path, "`from` or `to` is not a network".to_owned()));
        } else if rule.iif.iter().chain(&rule.oif).any(|name| !is_interface(name)) {
            list.push((path, format!("`iif` or `oif`: {NO_INTERFACE}")));
        } else if rule.table.or(table).is_none() && rule.kind.is_none_or(|kind| kind == RuleKind::Table) {
            list.push((path, "`table` is missing: write the number of a routing table".to_owned()));
        }
    }
    for (index, domain) in link.nameservers.search.iter().enumerate() {
        let plain = domain.strip_prefix('~').unwrap_or(domain);
        if !plain.is_empty() && plain != "." && !crate::is_hostname(plain.trim_end_matches('.')) || domain.is_empty() {
            list.push((format!("{path}.nameservers.search[{index}]"), format!("`{domain}` is not a domain")));
        }
    }
    for (key, mtu, least) in [("mtu", link.mtu.0, 68), ("ipv6-mtu", link.mtu.1, 1280)] {
        if mtu.is_some_and(|mtu| !(least..=65_535).contains(&mtu)) {
            list.push((format!("{path}.{key}"), format!("use {least} to 65535")));
        }
    }
    if link.mac.is_some_and(|text| !is_mac(text)) {
        list.push((format!("{path}.macaddress"), "not an address such as 00:50:56:01:02:03".to_owned()));
    }
    for (family, overrides) in ["dhcp4", "dhcp6"].into_iter().zip(link.overrides) {
        let domains = overrides.use_domains.as_ref().filter(|word| !is_domains(word));
        let name = overrides.hostname.as_ref().filter(|name| !crate::is_hostname(name));
        domains.into_iter().for_each(|_| list.push((format!("{path}.{family}-overrides.use-domains"), DOMAINS.to_owned())));
        name.into_iter().for_each(|_| list.push((format!("{path}.{family}-overrides.hostname"), "not a host name".to_owned())));
    }
    if link.ra_overrides.use_domains.as_ref().is_some_and(|word| !is_domains(word)) {
        list.push((format!("{path}.ra-overrides.use-domains"), DOMAINS.to_owned()));
    }
    if let Some((index, _)) =
        link.addresses.iter().enumerate().find(|(_, address)| address.label.as_ref().is_some_and(|label| !is_label(label)))
    {
        list.push((format!("{path}.addresses[{index}]"), "a label has 1 to 15 letters".to_owned()));
    }
}

/// What is said of a gateway that is in no network of its interface.
fn unreached(gateway: IpAddr, hint: &str) -> String {
    format!("no address is in the network of the gateway {gateway}; if it is on the link all the same, {hint}")
}

/// Whether a gateway may be on the link, as far as a description can say: networkd sets no route by one that is not.
fn is_reached(gateway: IpAddr, link: &Link<'_>) -> bool {
    let by_itself = match gateway {
        IpAddr::V4(gateway) => {
            link.dhcp.0 || gateway.is_link_local() && link.link_local.is_some_and(|families| families.contains(&Family::Ipv4))
        }
        IpAddr::V6(gateway) => link.dhcp.1 || link.accept_ra != Some(false) || gateway.is_unicast_link_local(),
    };
    let is_in = |network: &str| network.parse::<Cidr>().map_or_else(|_| network.parse() == Ok(gateway), |cidr| cidr.contains(gateway));
    by_itself
        || link.addresses.iter().any(|address| address.cidr.contains(gateway))
        || link.routes.iter().any(|route| route.via.is_none() && is_in(&route.to))
}

const DOMAINS: &str = "write true, false or `route`";

fn is_domains(word: &str) -> bool {
    matches!(word.to_ascii_lowercase().as_str(), "true" | "false" | "yes" | "no" | "on" | "off" | "route")
}

fn is_label(label: &str) -> bool {
    (1..=15).contains(&label.len()) && is_word(label)
}

fn is_network(text: &str) -> bool {
    text.parse::<Cidr>().is_ok() || text.parse::<IpAddr>().is_ok()
}

fn tunnels(path: &str, tunnel: &Tunnel, network: &Network, list: &mut List) {
    let mut wrong = |message: &str| list.push((path.to_owned(), message.to_owned()));
    if tunnel.link.as_ref().is_some_and(|link| !exists(link, network)) {
        wrong("`link`: no interface is called so");
    }
    let keys = tunnel.keys.as_ref().or(tunnel.key.as_ref());
    let Some(mode) = tunnel.mode else { return wrong("`mode` is missing") };
    match mode {
        TunnelMode::WireGuard => {
            if !keys.and_then(|keys| keys.private.as_ref()).is_some_and(is_wireguard_key) {
                wrong("`key` must be a private key of WireGuard in Base64, or the path of a file that contains one");
            }
            for peer in &tunnel.peers {
                let shared = peer.keys.shared.as_ref().is_none_or(is_wireguard_key);
                if !peer.keys.public.as_deref().is_some_and(is_wireguard_text) || !shared {
                    wrong("a peer needs `keys` with `public`, a key of WireGuard in Base64; `shared` is one, too");
                }
                if peer.endpoint.as_ref().is_some_and(|endpoint| !is_word(endpoint) || !endpoint.contains(':')) {
                    wrong("`endpoint` of a peer must be an address or name, a colon and a port");
                }
                if !peer.allowed_ips.iter().all(|text| is_network(text)) {
                    wrong("`allowed-ips` of a peer must be networks");
                }
            }
        }
        TunnelMode::VxLan if tunnel.id.is_none_or(|id| !(1..=16_777_215).contains(&id)) => wrong("`id` must be 1 to 16777215"),
        TunnelMode::VxLan if !matches!(tunnel.port_range[..], [] | [_, _]) || !tunnel.port_range.is_sorted() => {
            wrong("`port-range` must be the first and the last port: [40000, 49999]");
        }
        TunnelMode::VxLan if tunnel.flow_label.is_some_and(|label| label > 1_048_575) => wrong("`flow-label` must be 0 to 1048575"),
        TunnelMode::VxLan => {}
        _ if tunnel.remote.is_none() => wrong("`remote` is missing: the address of the other end"),
        _ if keys.is_some_and(|keys| [&keys.private, &keys.input, &keys.output].into_iter().flatten().any(|key| !is_number(key))) => {
            wrong("a key of such a tunnel is a number, or has the form of an IPv4 address");
        }
        _ => {}
    }
}

fn is_number(key: &Secret) -> bool {
    key.reveal().parse::<u32>().is_ok() || key.reveal().parse::<std::net::Ipv4Addr>().is_ok()
}

fn is_wireguard_key(key: &Secret) -> bool {
    is_wireguard_text(key.reveal()) || key.reveal().starts_with('/') && is_word(key.reveal())
}

/// 32 bytes in Base64.
fn is_wireguard_text(text: &str) -> bool {
    text.len() == 44 && text.ends_with('=') && crate::document::unpack_base64(text).is_some_and(|bytes| bytes.len() == 32)
}
