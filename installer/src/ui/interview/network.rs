//! Answers about the network.

use super::super::Answer;
use super::{Ask, Interview, State};
use crate::kickstart::{Ethernet, Match, Nameservers, Network, Version, Vlan};

impl Interview {
    /// One card, its VLAN perhaps, and the addresses of either.
    pub(super) fn network(&self, state: &mut State, answer: &Answer) -> Result<Ask, String> {
        let network = state.kickstart.network.get_or_insert_with(|| Network {
            version: Version::Two,
            hostname: None,
            ethernets: std::collections::BTreeMap::new(),
            vlans: std::collections::BTreeMap::new(),
        });
        let card = network.ethernets.keys().next().cloned();
        match (self.at, answer, card) {
            (Ask::Card, Answer::Index(index), _) => {
                let name = self.cards.get(*index).ok_or("there is no such card")?;
                let matches = Some(Match { name: Some(name.clone()), ..Match::default() });
                network.ethernets.insert(name.clone(), Ethernet { matches, ..Ethernet::default() });
                Ok(if state.vlan.is_some() { Ask::Vlan } else { Ask::Address })
            }
            (Ask::Vlan, Answer::Text(text), Some(link)) => {
                let id = text.parse().ok().filter(|id| (1..=4094).contains(id)).ok_or("give a number from 1 to 4094")?;
                state.vlan = Some(id);
                let vlan = Vlan {
                    id,
                    link,
                    dhcp4: false,
                    dhcp6: false,
                    accept_ra: None,
                    addresses: Vec::new(),
                    gateway: None,
                    routes: Vec::new(),
                    nameservers: Nameservers::default(),
                    mtu: None,
                };
                network.vlans.insert(format!("vlan{id}"), vlan);
                Ok(Ask::Address)
            }
            (at, Answer::Text(text), Some(card)) => {
                let vlan = network.vlans.values_mut().next();
                let ethernet = network.ethernets.get_mut(&card).ok_or("there is no card")?;
                let (addresses, gateway, names) = match vlan {
                    Some(vlan) => (&mut vlan.addresses, &mut vlan.gateway, &mut vlan.nameservers),
                    None => (&mut ethernet.addresses, &mut ethernet.gateway, &mut ethernet.nameservers),
                };
                match at {
                    Ask::Address => {
                        *addresses = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
                        if addresses.is_empty() { Err("give at least one address".into()) } else { Ok(Ask::Gateway) }
                    }
                    Ask::Gateway => {
                        *gateway = if text.is_empty() { None } else { Some(text.parse().map_err(|_| format!("`{text}` is no address"))?) };
                        let fits = gateway.is_none_or(|gateway| addresses.iter().any(|cidr| cidr.address.is_ipv4() == gateway.is_ipv4()));
                        if fits { Ok(Ask::Dns) } else { Err("no address leads to this gateway".into()) }
                    }
                    _ => {
                        let parse = |word: &str| word.parse().map_err(|_| format!("`{word}` is no address"));
                        names.addresses = text.split_whitespace().map(parse).collect::<Result<_, _>>()?;
                        Ok(Ask::HostName)
                    }
                }
            }
            _ => Err("that is no answer to this question".into()),
        }
    }
}
