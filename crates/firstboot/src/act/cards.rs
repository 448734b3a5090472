//! Which of the machine's cards a network's description means.

use std::fs;
use std::path::Path;

use kickstart::{Match, Network};
use system::program;

/// A network card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Card {
    /// The number the kernel gave it, in the order in which it found them.
    pub index: u32,
    /// Its interface's name.
    pub name: String,
    /// Its address.
    pub mac: String,
}

/// The cards of this machine, in the kernel's order.
pub(super) fn all() -> Vec<Card> {
    // Drivers may still be looking for them.
    let _ = program::run("udevadm", &["settle", "--timeout=10"], None);
    let folder = Path::new("/sys/class/net");
    let word = |path: &Path| fs::read_to_string(path).map(|text| text.trim().to_owned()).ok();
    let card = |path: std::path::PathBuf| {
        // What is made by software has no device.
        let name = path.file_name()?.to_str()?.to_owned();
        let index = word(&path.join("ifindex"))?.parse().ok()?;
        path.join("device").exists().then_some(Card { index, name, mac: word(&path.join("address"))? })
    };
    let mut cards: Vec<Card> = fs::read_dir(folder).into_iter().flatten().flatten().filter_map(|entry| card(entry.path())).collect();
    cards.sort_by_key(|card| card.index);
    cards
}

/// Finds the cards that a description means by names of other systems: `eth0` is the first one the kernel finds, and gets that name. What
/// is found so, and what is not, is reported.
pub(super) fn resolve(network: &mut Network, cards: &[Card]) -> Vec<String> {
    let mut notes = Vec::new();
    let there = || cards.iter().map(|card| format!("`{}`", card.name)).collect::<Vec<_>>().join(", ");
    if cards.is_empty() {
        return notes;
    }
    for (id, ethernet) in &mut network.ethernets {
        let wanted = match &ethernet.matches {
            None => ethernet.set_name.clone().unwrap_or_else(|| id.clone()),
            Some(Match { macaddress: Some(mac), .. }) => {
                let mac = mac.replace('-', ":").to_ascii_lowercase();
                if !cards.iter().any(|card| card.mac == mac) {
                    notes.push(format!("network: {id}: no card has the address {mac}; there are {}", there()));
                }
                continue;
            }
            Some(Match { name: Some(name), driver: None, .. }) if !name.contains(['*', '?', '[']) => name.clone(),
            Some(_) => continue,
        };
        if cards.iter().any(|card| card.name == wanted) || ethernet.link.is_some() {
            continue;
        }
        let number = wanted.strip_prefix("eth").and_then(|number| number.parse::<usize>().ok());
        match number.and_then(|number| cards.get(number)) {
            Some(card) => {
                notes.push(format!("network: {id}: `{wanted}` is the card `{}` ({}), and is called so from now on", card.name, card.mac));
                ethernet.matches = Some(Match { macaddress: Some(card.mac.clone()), ..Match::default() });
                ethernet.set_name = Some(wanted);
            }
            None => notes.push(format!("network: {id}: no card is called `{wanted}`; there are {}: say which one with `match`", there())),
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_other_systems_are_found() {
        let card = |index, name: &str, mac: &str| Card { index, name: name.into(), mac: mac.into() };
        let cards = [card(2, "ens192", "00:50:56:00:00:01"), card(3, "ens224", "00:50:56:00:00:02")];
        let table = [
            (r#"{"ens192": {}}"#, 0, None),
            (r#"{"x": {"match": {"name": "e*"}}}"#, 0, None),
            (r#"{"eth1": {}}"#, 1, Some("00:50:56:00:00:02")),
            (r#"{"x": {"match": {"name": "eth0"}}}"#, 1, Some("00:50:56:00:00:01")),
            (r#"{"x": {"match": {"macaddress": "00-50-56-00-00-02"}, "set-name": "eth7"}}"#, 0, Some("00-50-56-00-00-02")),
            (r#"{"x": {"match": {"macaddress": "00:50:56:00:00:03"}}}"#, 1, Some("00:50:56:00:00:03")),
            (r#"{"eth2": {}}"#, 1, None),
            (r#"{"enp3s0": {}}"#, 1, None),
        ];
        for (ethernets, notes, mac) in table {
            let mut network: Network = serde_json::from_str(&format!("{{\"version\": 2, \"ethernets\": {ethernets}}}")).unwrap();
            let told = resolve(&mut network, &cards);
            assert_eq!(told.len(), notes, "{ethernets}: {told:?}");
            let found = network.ethernets.values().next().unwrap().matches.as_ref().and_then(|found| found.macaddress.as_deref());
            assert_eq!(found, mac, "{ethernets}");
            assert!(resolve(&mut network, &[]).is_empty());
        }
    }
}
