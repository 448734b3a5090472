//! What all interfaces have in common, as sections of systemd.network(5).

use std::fmt::Write as _;
use std::net::IpAddr;

use super::{pairs, yes};
use crate::network::{Activation, AddressGeneration, Family, Lifetime, Link};
use crate::{DhcpIdentifier, Overrides, Route, Rule};

/// All sections after `[Match]`. `tied` are the lines that tell of other interfaces; `table` is where routes are put by default.
pub(super) fn sections(link: &Link<'_>, lldp: Option<bool>, tied: &[String], table: Option<u32>) -> String {
    let mut text = section(
        "Link",
        &[
            ("MACAddress", link.mac.map(|mac| mac.replace('-', ":"))),
            ("MTUBytes", link.mtu.0.map(|mtu| mtu.to_string())),
            ("RequiredForOnline", link.is_optional.then(|| "no".to_owned())),
            ("ActivationPolicy", link.activation.map(|mode| if mode == Activation::Off { "always-down" } else { "manual" }.to_owned())),
        ],
    );
    text.push_str(&network(link, lldp, tied));
    for address in link.addresses.iter().filter(|address| address.label.is_some() || address.lifetime.is_some()) {
        let lifetime = address.lifetime.map(|time| if time == Lifetime::None { "0" } else { "forever" }.to_owned());
        let lines = [("Address", Some(address.cidr.to_string())), ("Label", address.label.clone()), ("PreferredLifetime", lifetime)];
        text.push_str(&section("Address", &lines));
    }
    let identifier = link.identifier.map(|kind| if kind == DhcpIdentifier::Mac { "mac" } else { "duid" }.to_owned());
    text.push_str(&dhcp("DHCPv4", link.overrides[0], identifier));
    text.push_str(&dhcp("DHCPv6", link.overrides[1], None));
    let flag = |value: Option<bool>| value.map(|value| yes(value).to_owned());
    let ra = link.ra_overrides;
    let token = match (link.token, link.generation) {
        (Some(token), _) => Some(format!("static:{token}")),
        (None, Some(AddressGeneration::Eui64)) => Some("eui64".to_owned()),
        (None, Some(AddressGeneration::StablePrivacy)) => Some("prefixstable".to_owned()),
        (None, None) => None,
    };
    let table_of_ra = ra.table.map(|table| table.to_string());
    let lines = [("UseDNS", flag(ra.use_dns)), ("UseDomains", ra.use_domains.clone()), ("RouteTable", table_of_ra), ("Token", token)];
    text.push_str(&section("IPv6AcceptRA", &lines));
    link.routes.iter().for_each(|each| text.push_str(&route(each, table)));
    link.rules.iter().for_each(|each| text.push_str(&rule(each, table)));
    text
}

/// A section, if anything stands in it.
fn section(name: &str, lines: &[(&str, Option<String>)]) -> String {
    let lines = pairs(lines);
    if lines.is_empty() { lines } else { format!("\n[{name}]\n{lines}") }
}

fn network(link: &Link<'_>, lldp: Option<bool>, tied: &[String]) -> String {
    let dhcp = match link.dhcp {
        (true, true) => "yes",
        (true, false) => "ipv4",
        (false, true) => "ipv6",
        (false, false) => "no",
    };
    let mut text = format!("\n[Network]\nDHCP={dhcp}\n");
    // What is part of a bond or bridge has no addresses of its own.
    let is_port = tied.iter().any(|line| line.starts_with("Bond=") || line.starts_with("Bridge="));
    let local = match link.link_local {
        None => is_port.then_some("no"),
        Some(families) => Some(match (families.contains(&Family::Ipv4), families.contains(&Family::Ipv6)) {
            (true, true) => "yes",
            (true, false) => "ipv4",
            (false, true) => "ipv6",
            (false, false) => "no",
        }),
    };
    text.push_str(&pairs(&[
        ("LinkLocalAddressing", local.map(str::to_owned)),
        ("IPv6LinkLocalAddressGenerationMode", link.generation.map(|mode| mode.as_str().to_owned())),
        ("IPv6AcceptRA", link.accept_ra.map(|accept| yes(accept).to_owned())),
        ("IPv6PrivacyExtensions", link.privacy.map(|privacy| yes(privacy).to_owned())),
        ("IPv6MTUBytes", link.mtu.1.map(|mtu| mtu.to_string())),
        ("EmitLLDP", lldp.map(|emit| yes(emit).to_owned())),
        ("KeepConfiguration", link.is_critical.then(|| "yes".to_owned())),
        ("ConfigureWithoutCarrier", link.ignores_carrier.then(|| "yes".to_owned())),
    ]));
    let mut lines = |key: &str, values: Vec<String>| values.into_iter().for_each(|value| text.push_str(&format!("{key}={value}\n")));
    let plain = link.addresses.iter().filter(|address| address.label.is_none() && address.lifetime.is_none());
    lines("Address", plain.map(|address| address.cidr.to_string()).collect());
    lines("Gateway", link.gateways.iter().filter_map(|(_, gateway)| gateway.as_ref()).map(ToString::to_string).collect());
    lines("DNS", link.nameservers.addresses.iter().map(ToString::to_string).collect());
    if !link.nameservers.search.is_empty() {
        lines("Domains", vec![link.nameservers.search.join(" ")]);
    }
    tied.iter().for_each(|line| text.push_str(&format!("{line}\n")));
    text
}

fn dhcp(name: &str, given: &Overrides, identifier: Option<String>) -> String {
    let flag = |value: Option<bool>| value.map(|value| yes(value).to_owned());
    let is_v4 = name == "DHCPv4";
    let only_v4 = |value: Option<String>| value.filter(|_| is_v4);
    section(
        name,
        &[
            ("ClientIdentifier", identifier),
            ("UseDNS", flag(given.use_dns)),
            ("UseNTP", flag(given.use_ntp)),
            ("UseHostname", flag(given.use_hostname)),
            ("UseMTU", only_v4(flag(given.use_mtu))),
            ("UseRoutes", only_v4(flag(given.use_routes))),
            ("UseDomains", given.use_domains.clone()),
            ("SendHostname", flag(given.send_hostname)),
            ("Hostname", given.hostname.clone()),
            ("RouteMetric", only_v4(given.route_metric.map(|metric| metric.to_string()))),
        ],
    )
}

fn route(route: &Route, table: Option<u32>) -> String {
    let is_v6 = route.via.or(route.from).is_some_and(|address| address.is_ipv6());
    let to = match route.to.as_str() {
        "default" if is_v6 => "::/0",
        "default" => "0.0.0.0/0",
        to => to,
    };
    let number = |value: Option<u32>| value.map(|value| value.to_string());
    let text = |address: Option<IpAddr>| address.map(|address| address.to_string());
    // A destination that is on the link itself, as ip(8) has it.
    let scope = route.scope.clone().or_else(|| (route.via.is_none() && route.kind.is_none() && !is_v6).then(|| "link".to_owned()));
    section(
        "Route",
        &[
            ("Destination", Some(to.to_owned())),
            ("Gateway", text(route.via)),
            ("GatewayOnLink", route.on_link.filter(|on_link| *on_link).map(|_| "yes".to_owned())),
            ("PreferredSource", text(route.from)),
            ("Metric", number(route.metric)),
            ("Scope", scope),
            ("Type", route.kind.clone()),
            ("Table", number(route.table.or(table))),
            ("MTUBytes", number(route.mtu)),
            ("InitialCongestionWindow", number(route.congestion_window)),
            ("InitialAdvertisedReceiveWindow", number(route.advertised_receive_window)),
            ("TCPAdvertisedMaximumSegmentSize", number(route.advertised_mss)),
        ],
    )
}

fn rule(rule: &Rule, table: Option<u32>) -> String {
    let number = |value: Option<u32>| value.map(|value| value.to_string());
    let mut text = section(
        "RoutingPolicyRule",
        &[
            ("From", rule.from.clone()),
            ("To", rule.to.clone()),
            ("Table", number(rule.table.or(table))),
            ("Priority", number(rule.priority)),
            ("FirewallMark", number(rule.mark)),
            ("TypeOfService", rule.type_of_service.map(|kind| kind.to_string())),
        ],
    );
    if rule.from.is_none() && rule.to.is_none() && !text.is_empty() {
        let _ = writeln!(text, "Family=both");
    }
    text
}
