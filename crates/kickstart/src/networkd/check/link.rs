//! What is wrong with what all interfaces have in common.

use std::net::IpAddr;

use super::{List, NO_INTERFACE, NO_MAC, is_interface, is_word, octets};
use crate::Cidr;
use crate::document::Complaint;
use crate::network::{Family, Link, Route, Rule, RuleKind};

/// What is wrong with the settings of an interface.
pub(super) fn link(path: &str, link: &Link<'_>, list: &mut List) {
    link_of(path, link, None, list);
}

/// As [`link`], with the table that routes and rules mean by default.
pub(super) fn link_of(path: &str, link: &Link<'_>, table: Option<u32>, list: &mut List) {
    gateways(path, link, list);
    for (index, each) in link.routes.iter().enumerate() {
        route(&format!("{path}.routes[{index}]"), each, link, table.is_some(), list);
    }
    for (index, each) in link.rules.iter().enumerate() {
        rule(&format!("{path}.routing-policy[{index}]"), each, table, list);
    }
    for (index, domain) in link.nameservers.search.iter().enumerate() {
        let plain = domain.strip_prefix('~').unwrap_or(domain);
        if !plain.is_empty() && plain != "." && !crate::is_hostname(plain.trim_end_matches('.')) || domain.is_empty() {
            list.push(Complaint::value(format!("{path}.nameservers.search[{index}]"), format!("`{domain}` is not a domain")));
        }
    }
    for (key, mtu, least) in [("mtu", link.mtu.0, 68), ("ipv6-mtu", link.mtu.1, 1280)] {
        if mtu.is_some_and(|mtu| !(least..=65_535).contains(&mtu)) {
            list.push(Complaint::value(format!("{path}.{key}"), format!("use {least} to 65535")));
        }
    }
    addresses(path, link, list);
    overrides(path, link, list);
}

fn gateways(path: &str, link: &Link<'_>, list: &mut List) {
    for (key, gateway) in link.gateways {
        let Some(gateway) = gateway else { continue };
        if key == "gateway4" && gateway.is_ipv6() || key == "gateway6" && gateway.is_ipv4() {
            list.push(Complaint::value(format!("{path}.{key}"), "the address is of the other IP version"));
        } else if !is_reached(gateway, link) {
            let hint = "write a route to `default` with `via` and `on-link: true` in place of it";
            list.push(Complaint::value(format!("{path}.{key}"), unreached(gateway, hint)));
        }
    }
}

/// What is wrong with a route, of which nothing but itself is known.
pub fn route_alone(path: &str, route: &Route) -> Vec<Complaint> {
    let mut list = List::new();
    let family = |address: &IpAddr| address.is_ipv4();
    let to = match route.to.as_str() {
        "default" => route.via.as_ref().map(family),
        text => match network(text) {
            Some(address) => Some(address.is_ipv4()),
            None => {
                let message = format!("`{text}` is neither a network nor `default`");
                list.push(Complaint::whole(format!("{path}.to"), message, path, "the route"));
                None
            }
        },
    };
    // The kernel refuses a gateway for what goes nowhere, and the route would never be set.
    if let (Some(kind), Some(via)) = (route.kind.filter(|kind| kind.goes_nowhere()), &route.via) {
        let message = format!("a route of the type `{}` has no gateway: leave out `via: {via}` or `type`", kind.as_str());
        list.push(Complaint::whole(format!("{path}.via"), message, path, "the route"));
    }
    const MIXED: &str = "its version of IP is not that of the destination";
    if let (Some(to), Some(via)) = (to, &route.via)
        && to != family(via)
    {
        list.push(Complaint::whole(format!("{path}.via"), MIXED, path, "the route"));
    }
    if let (Some(to), Some(from)) = (to, &route.from)
        && to != family(from)
    {
        list.push(Complaint::value(format!("{path}.from"), MIXED));
    }
    if route.mtu.is_some_and(|mtu| !(68..=65_535).contains(&mtu)) {
        list.push(Complaint::value(format!("{path}.mtu"), "use 68 to 65535"));
    }
    list
}

fn route(path: &str, route: &Route, link: &Link<'_>, is_of_vrf: bool, list: &mut List) {
    let (alone, via) = (route_alone(path, route), format!("{path}.via"));
    let is_wrong_anyway = alone.iter().any(|complaint| complaint.path == via);
    list.extend(alone);
    // The gateways of a VRF are in the networks of its interfaces.
    let is_known = is_of_vrf || route.on_link == Some(true) || is_wrong_anyway;
    if let Some(gateway) = route.via.filter(|gateway| !is_known && !is_reached(*gateway, link)) {
        list.push(Complaint::whole(via, unreached(gateway, "add `on-link: true`"), path, "the route"));
    }
}

/// A rule without one of its conditions would be for other packets, too: it is left out as a whole.
fn rule(path: &str, rule: &Rule, table: Option<u32>, list: &mut List) {
    let mut wrong = |key: &str, message: String| list.push(Complaint::whole(format!("{path}.{key}"), message, path, "the rule"));
    for (key, text) in [("from", &rule.from), ("to", &rule.to)] {
        if let Some(text) = text.as_ref().filter(|text| network(text).is_none()) {
            wrong(key, format!("`{text}` is not a network"));
        }
    }
    for (key, name) in [("iif", &rule.iif), ("oif", &rule.oif)] {
        if name.as_ref().is_some_and(|name| !is_interface(name)) {
            wrong(key, NO_INTERFACE.to_owned());
        }
    }
    if let (Some(from), Some(to)) = (rule.from.as_deref().and_then(network), rule.to.as_deref().and_then(network))
        && from.is_ipv4() != to.is_ipv4()
    {
        wrong("to", "its version of IP is not that of `from`".to_owned());
    }
    if rule.table.or(table).is_none() && rule.kind.is_none_or(|kind| kind == RuleKind::Table) {
        wrong("table", "it is missing: write the number of a routing table".to_owned());
    }
}

fn addresses(path: &str, link: &Link<'_>, list: &mut List) {
    if let Some(text) = link.mac {
        match octets(text).as_deref() {
            // Its lowest bit is that of groups.
            Some([first, ..]) if first & 1 == 1 => {
                list.push(Complaint::value(
                    format!("{path}.macaddress"),
                    "it is the address of a group: the first two digits must be even",
                ));
            }
            Some(_) => {}
            None => list.push(Complaint::value(format!("{path}.macaddress"), NO_MAC)),
        }
    }
    if link.token.is_some_and(|token| token.segments()[4..] == [0; 4]) {
        list.push(Complaint::value(
            format!("{path}.ipv6-address-token"),
            "its second half, which is the host's part, is empty: write one such as `::7`",
        ));
    }
    for (index, address) in link.addresses.iter().enumerate() {
        if let Some((label, cidr)) = address.label.as_ref().map(|label| (label, address.cidr)) {
            let message = match (is_label(label), cidr.address) {
                (false, _) => "a label has 1 to 15 letters",
                (true, IpAddr::V6(_)) => "only addresses of IPv4 have labels",
                (true, IpAddr::V4(_)) => continue,
            };
            list.push(Complaint::value(format!("{path}.addresses[{index}].{cidr}.label"), message));
        }
    }
}

fn overrides(path: &str, link: &Link<'_>, list: &mut List) {
    for (family, overrides) in ["dhcp4", "dhcp6"].into_iter().zip(link.overrides) {
        if overrides.use_domains.as_ref().is_some_and(|word| !is_domains(word)) {
            list.push(Complaint::value(format!("{path}.{family}-overrides.use-domains"), DOMAINS));
        }
        if overrides.hostname.as_ref().is_some_and(|name| !crate::is_hostname(name)) {
            list.push(Complaint::value(format!("{path}.{family}-overrides.hostname"), "not a host name"));
        }
    }
    if link.ra_overrides.use_domains.as_ref().is_some_and(|word| !is_domains(word)) {
        list.push(Complaint::value(format!("{path}.ra-overrides.use-domains"), DOMAINS));
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

/// The address of a network, or of a single machine.
pub(super) fn network(text: &str) -> Option<IpAddr> {
    text.parse::<Cidr>().map(|cidr| cidr.address).or_else(|_| text.parse()).ok()
}
