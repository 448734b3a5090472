//! What all interfaces have in common, as sections of systemd.network(5).

use std::fmt::Write as _;
use std::net::IpAddr;

use super::{pairs, yes};
use crate::network::{Activation, AddressGeneration, Family, Lifetime, Link, RaOverrides, RouteScope, RuleKind};
use crate::{Address, DhcpIdentifier, Nameservers, Overrides, Route, Rule};

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
    for Address { cidr, label, lifetime } in link.addresses.iter().filter(|address| has_options(address)) {
        let lifetime = lifetime.map(|time| if time == Lifetime::None { "0" } else { "forever" }.to_owned());
        let lines = [("Address", Some(cidr.to_string())), ("Label", label.clone()), ("PreferredLifetime", lifetime)];
        text.push_str(&section("Address", &lines));
    }
    let identifier = link.identifier.map(|kind| if kind == DhcpIdentifier::Mac { "mac" } else { "duid" }.to_owned());
    text.push_str(&dhcp("DHCPv4", link.overrides[0], identifier));
    text.push_str(&dhcp("DHCPv6", link.overrides[1], None));
    let flag = |value: Option<bool>| value.map(|value| yes(value).to_owned());
    let RaOverrides { use_dns, use_domains, table: table_of_ra } = link.ra_overrides;
    // DHCPv6 has no routes and no packet size: routers advertise both.
    let Overrides { use_routes, use_mtu, route_metric, .. } = link.overrides[1];
    let token = match (link.token, link.generation) {
        (Some(token), _) => Some(format!("static:{token}")),
        (None, Some(AddressGeneration::Eui64)) => Some("eui64".to_owned()),
        (None, Some(AddressGeneration::StablePrivacy)) => Some("prefixstable".to_owned()),
        (None, None) => None,
    };
    let table_of_ra = table_of_ra.map(|table| table.to_string());
    let lines = [
        ("UseDNS", flag(*use_dns)),
        ("UseDomains", use_domains.clone()),
        ("UseMTU", flag(*use_mtu)),
        ("UseGateway", flag(*use_routes)),
        ("UseRoutePrefix", flag(*use_routes)),
        ("RouteMetric", route_metric.map(|metric| metric.to_string())),
        ("RouteTable", table_of_ra),
        ("Token", token),
    ];
    text.push_str(&section("IPv6AcceptRA", &lines));
    link.routes.iter().for_each(|each| text.push_str(&route(each, table)));
    link.rules.iter().for_each(|each| text.push_str(&rule(each, table)));
    text
}

/// Whether an address needs a section of its own.
fn has_options(address: &Address) -> bool {
    address.label.is_some() || address.lifetime.is_some()
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
    let plain = link.addresses.iter().filter(|address| !has_options(address));
    lines("Address", plain.map(|address| address.cidr.to_string()).collect());
    lines("Gateway", link.gateways.iter().filter_map(|(_, gateway)| gateway.as_ref()).map(ToString::to_string).collect());
    let Nameservers { addresses: servers, search } = link.nameservers;
    lines("DNS", servers.iter().map(ToString::to_string).collect());
    if !search.is_empty() {
        lines("Domains", vec![search.join(" ")]);
    }
    tied.iter().for_each(|line| text.push_str(&format!("{line}\n")));
    text
}

fn dhcp(name: &str, given: &Overrides, identifier: Option<String>) -> String {
    let Overrides { use_dns, use_ntp, use_hostname, use_mtu, use_routes, use_domains, send_hostname, hostname, route_metric } = given;
    let flag = |value: &Option<bool>| value.map(|value| yes(value).to_owned());
    let is_v4 = name == "DHCPv4";
    let only_v4 = |value: Option<String>| value.filter(|_| is_v4);
    section(
        name,
        &[
            ("ClientIdentifier", identifier),
            ("UseDNS", flag(use_dns)),
            ("UseNTP", flag(use_ntp)),
            ("UseHostname", flag(use_hostname)),
            ("UseMTU", only_v4(flag(use_mtu))),
            ("UseRoutes", only_v4(flag(use_routes))),
            ("UseDomains", use_domains.clone()),
            ("SendHostname", flag(send_hostname)),
            ("Hostname", hostname.clone()),
            ("RouteMetric", only_v4(route_metric.map(|metric| metric.to_string()))),
        ],
    )
}

fn route(route: &Route, default_table: Option<u32>) -> String {
    let Route { to, via, from, on_link, metric, kind, scope, table, mtu, congestion_window, advertised_receive_window, advertised_mss } =
        route;
    let is_v6 = via.or(*from).is_some_and(|address| address.is_ipv6());
    let to = match to.as_str() {
        "default" if is_v6 => "::/0",
        "default" => "0.0.0.0/0",
        to => to,
    };
    let number = |value: &Option<u32>| value.map(|value| value.to_string());
    let text = |address: &Option<IpAddr>| address.map(|address| address.to_string());
    // A destination that is on the link itself, as ip(8) has it.
    let scope = scope.or_else(|| (via.is_none() && kind.is_none() && !is_v6).then_some(RouteScope::Link));
    section(
        "Route",
        &[
            ("Destination", Some(to.to_owned())),
            ("Gateway", text(via)),
            ("GatewayOnLink", on_link.filter(|on_link| *on_link).map(|_| "yes".to_owned())),
            ("PreferredSource", text(from)),
            ("Metric", number(metric)),
            ("Scope", scope.map(|scope| scope.as_str().to_owned())),
            ("Type", kind.map(|kind| kind.as_str().to_owned())),
            ("Table", number(&table.or(default_table))),
            ("MTUBytes", number(mtu)),
            ("InitialCongestionWindow", number(congestion_window)),
            ("InitialAdvertisedReceiveWindow", number(advertised_receive_window)),
            ("TCPAdvertisedMaximumSegmentSize", number(advertised_mss)),
        ],
    )
}

fn rule(rule: &Rule, default_table: Option<u32>) -> String {
    let Rule { from, to, iif, oif, table, kind, priority, mark, type_of_service } = rule;
    let number = |value: &Option<u32>| value.map(|value| value.to_string());
    let mut text = section(
        "RoutingPolicyRule",
        &[
            ("From", from.clone()),
            ("To", to.clone()),
            ("IncomingInterface", iif.clone()),
            ("OutgoingInterface", oif.clone()),
            ("Table", number(&table.or(default_table))),
            ("Type", kind.filter(|kind| *kind != RuleKind::Table).map(|kind| kind.as_str().to_owned())),
            ("Priority", number(priority)),
            ("FirewallMark", number(mark)),
            ("TypeOfService", type_of_service.map(|kind| kind.to_string())),
        ],
    );
    if from.is_none() && to.is_none() && !text.is_empty() {
        let _ = writeln!(text, "Family=both");
    }
    text
}
