//! Answers about the network.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::super::Answer;
use super::{Ask, Entry, Interview, Method, NO_ANSWER, State, accepted, entry};
use kickstart::{Address, Ethernet, Kickstart, Match, Nameservers, Network, Route, Vlan};

const METHODS: [Method; 4] = [Method::Dhcp, Method::Fixed, Method::DhcpOnVlan, Method::FixedOnVlan];

/// What a card and a VLAN have in common.
struct Link<'a> {
    addresses: &'a mut Vec<Address>,
    gateway: &'a mut Option<IpAddr>,
    routes: &'a mut Vec<Route>,
    names: &'a mut Nameservers,
}

/// What gets the addresses: the VLAN, or if there is none the card.
fn link(kickstart: &mut Kickstart) -> Result<Link<'_>, String> {
    let network = kickstart.network.as_mut().ok_or(NO_ANSWER)?;
    if let Some(vlan) = network.vlans.values_mut().next() {
        let Vlan { addresses, gateway, routes, nameservers: names, .. } = vlan;
        return Ok(Link { addresses, gateway, routes, names });
    }
    let Ethernet { addresses, gateway, routes, nameservers: names, .. } = network.ethernets.values_mut().next().ok_or(NO_ANSWER)?;
    Ok(Link { addresses, gateway, routes, names })
}

impl Interview {
    /// One card, its VLAN perhaps, and the addresses and routes of either.
    pub(super) fn network(&self, state: &mut State, answer: &Answer) -> Result<Ask, String> {
        let next = match (self.at, answer) {
            (Ask::Network, Answer::Index(index)) => {
                state.method = *METHODS.get(*index).ok_or(NO_ANSWER)?;
                if state.method == Method::Dhcp {
                    return Ok(Ask::HostName);
                }
                if self.about.facts.cards.is_empty() {
                    return Err("this machine has no network card".into());
                }
                Ask::Card
            }
            (Ask::Card, Answer::Index(index)) => {
                let name = self.about.facts.cards.get(*index).ok_or("there is no such card")?;
                state.kickstart.network = Some(on_card(name));
                if state.method == Method::Fixed { Ask::Addresses } else { Ask::Vlan }
            }
            (Ask::Vlan, Answer::Text(text)) => {
                let id = text.trim().parse().map_err(|_| "enter a number from 1 to 4094")?;
                let dhcp4 = state.method == Method::DhcpOnVlan;
                let network = state.kickstart.network.as_mut().ok_or(NO_ANSWER)?;
                network.vlans = add_vlan(network, id, dhcp4);
                if dhcp4 { Ask::HostName } else { Ask::Addresses }
            }
            (Ask::Addresses, Answer::Text(text)) => {
                let link = link(&mut state.kickstart)?;
                *link.addresses = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
                if link.addresses.is_empty() {
                    return Err("enter at least one address".into());
                }
                Ask::Gateway
            }
            (Ask::Gateway, Answer::Text(text)) => {
                *link(&mut state.kickstart)?.gateway = if text.trim().is_empty() { None } else { Some(address(text.trim())?) };
                Ask::Routes
            }
            (Ask::Routes, answer) => {
                let link = link(&mut state.kickstart)?;
                match entry(link.routes, answer)? {
                    Entry::Add(line) => {
                        link.routes.push(route(line)?);
                        Ask::Routes
                    }
                    Entry::Removed => Ask::Routes,
                    Entry::End => Ask::Dns,
                }
            }
            (Ask::Dns, Answer::Text(text)) => {
                link(&mut state.kickstart)?.names.addresses = text.split_whitespace().map(address).collect::<Result<_, _>>()?;
                Ask::Domains
            }
            (Ask::Domains, Answer::Text(text)) => {
                link(&mut state.kickstart)?.names.search = text.split_whitespace().map(str::to_owned).collect();
                Ask::HostName
            }
            _ => return Err(NO_ANSWER.into()),
        };
        accepted(&state.kickstart, "network").map(|()| next)
    }

    /// The routes so far, each in one line.
    pub(super) fn routes(&self) -> Vec<String> {
        let mut kickstart = self.state.kickstart.clone();
        let Ok(link) = link(&mut kickstart) else { return Vec::new() };
        let metric = |route: &Route| route.metric.map(|metric| format!(", metric {metric}")).unwrap_or_default();
        let via = |route: &Route| route.via.map(|via| format!(" by {via}")).unwrap_or_default();
        link.routes.iter().map(|route| format!("{}{}{}", route.to, via(route), metric(route))).collect()
    }
}

/// Gives the routes to what gets the addresses now.
pub(super) fn keep_routes(now: &mut Kickstart, before: &mut Kickstart) {
    if let (Ok(now), Ok(before)) = (link(now), link(before)) {
        std::mem::swap(now.routes, before.routes);
    }
}

fn on_card(name: &str) -> Network {
    let matches = Some(Match { name: Some(name.to_owned()), ..Match::default() });
    let ethernets = BTreeMap::from([(name.to_owned(), Ethernet { matches, ..Ethernet::default() })]);
    Network { ethernets, ..Network::default() }
}

fn add_vlan(network: &Network, id: u16, dhcp4: bool) -> BTreeMap<String, Vlan> {
    let link = network.ethernets.keys().next().cloned().unwrap_or_default();
    let vlan = Vlan { id, link, dhcp4, ..Vlan::default() };
    BTreeMap::from([(format!("vlan{id}"), vlan)])
}

fn address(word: &str) -> Result<IpAddr, String> {
    word.parse().map_err(|_| format!("`{word}` is not an address"))
}

/// `NETWORK GATEWAY [METRIC]`.
fn route(line: &str) -> Result<Route, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (to, via, metric) = match words[..] {
        [to, via] => (to, via, None),
        [to, via, metric] => (to, via, Some(metric.parse().map_err(|_| format!("`{metric}` is not a metric: enter a number"))?)),
        _ => return Err("enter NETWORK GATEWAY [METRIC]".into()),
    };
    Ok(Route { to: to.to_owned(), via: Some(address(via)?), metric, ..Route::default() })
}
