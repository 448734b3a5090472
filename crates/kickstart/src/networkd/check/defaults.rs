//! Default routes among which the kernel would choose by chance.

use std::collections::{BTreeMap, BTreeSet};

use super::List;
use crate::Network;
use crate::document::Complaint;
use crate::network::{Activation, Link, MAIN_TABLE, Route};

/// A version of IP by whether it is the fourth, a routing table and a metric: one default route of each makes sense.
type Kind = (bool, u32, u32);

/// Default routes of one metric on several interfaces.
pub(super) fn defaults(network: &Network) -> List {
    let (mut list, mut seen) = (List::new(), BTreeMap::<Kind, &str>::new());
    let vrfs: BTreeSet<&str> = network.vrfs.values().flat_map(|vrf| &vrf.interfaces).filter_map(|name| network.interface(name)).collect();
    for (table, name, link) in links(network) {
        // The routes of a VRF's interfaces are in its own table.
        let is_in_main = !vrfs.contains(name);
        for (key, kind) in routes(&link).into_iter().filter(|(_, (_, table, _))| is_in_main || *table != MAIN_TABLE) {
            let path = format!("{table}.{name}.{key}");
            match seen.get(&kind) {
                Some(other) if *other == name => {}
                Some(other) => {
                    let version = if kind.0 { "IPv4" } else { "IPv6" };
                    let message = format!(
                        "`{other}` has a default route of {version} with the same metric, and chance decides which one is used: write \
                         one as a route with a higher `metric`, or leave it out"
                    );
                    list.push(Complaint::note(path, message));
                }
                None => drop(seen.insert(kind, name)),
            }
        }
    }
    list
}

/// The default routes of an interface, by their keys.
fn routes(link: &Link<'_>) -> Vec<(String, Kind)> {
    if matches!(link.activation, Some(Activation::Off | Activation::Manual)) {
        return Vec::new();
    }
    let gateways =
        link.gateways.iter().filter_map(|(key, gateway)| Some(((*key).to_owned(), (gateway.as_ref()?.is_ipv4(), MAIN_TABLE, 0))));
    let routes = link.routes.iter().enumerate().filter_map(|(index, route)| Some((format!("routes[{index}]"), kind(route)?)));
    gateways.chain(routes).collect()
}

/// What a route competes with, if it is a default route.
fn kind(route: &Route) -> Option<Kind> {
    let is_v4 = match route.to.as_str() {
        "default" => route.via?.is_ipv4(),
        "0.0.0.0/0" => true,
        "::/0" => false,
        _ => return None,
    };
    let sends = route.kind.is_none_or(|kind| !kind.goes_nowhere());
    sends.then(|| (is_v4, route.table.unwrap_or(MAIN_TABLE), route.metric.unwrap_or(0)))
}

/// All interfaces but VRFs, whose routes are their own, with the tables of the description that they are in.
fn links(network: &Network) -> Vec<(&'static str, &str, Link<'_>)> {
    let cards = network.ethernets.iter().map(|(name, one)| ("ethernets", name.as_str(), one.link()));
    let bonds = network.bonds.iter().map(|(name, one)| ("bonds", name.as_str(), one.link()));
    let bridges = network.bridges.iter().map(|(name, one)| ("bridges", name.as_str(), one.link()));
    let vlans = network.vlans.iter().map(|(name, one)| ("vlans", name.as_str(), one.link()));
    let tunnels = network.tunnels.iter().map(|(name, one)| ("tunnels", name.as_str(), one.link()));
    let dummies = network.dummy_devices.iter().map(|(name, one)| ("dummy-devices", name.as_str(), one.link()));
    let pairs = network.virtual_ethernets.iter().map(|(name, one)| ("virtual-ethernets", name.as_str(), one.link()));
    cards.chain(bonds).chain(bridges).chain(vlans).chain(tunnels).chain(dummies).chain(pairs).collect()
}

#[cfg(test)]
mod tests {
    use crate::Kickstart;

    #[test]
    fn a_kickstart_file_with_two_is_taken_with_a_note() {
        let card = |gateway: &str| format!("{{addresses: [{gateway}7/24], gateway4: {gateway}1}}");
        let text = format!("network: {{version: 2, ethernets: {{a: {}, b: {}}}}}\n", card("192.0.2."), card("198.51.100."));
        let parsed = Kickstart::parse("ks.yaml", &text).unwrap();
        let paths: Vec<&str> = parsed.notes.iter().map(|note| note.path.as_str()).collect();
        assert_eq!(paths, ["network.ethernets.b.gateway4"]);
    }
}
