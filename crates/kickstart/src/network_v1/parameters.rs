//! Parameters of bonds and bridges, by the names that they have on the kernel's side.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value, json};

use super::translate::Origins;
use crate::document::{Complaint, SET_TWICE};

/// Parameters in the order in which they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parameters(pub Vec<(String, Words)>);

/// A value that is passed on as text, or several.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(super) struct Words(pub Vec<String>);

impl<'de> Deserialize<'de> for Parameters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Parameters;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of parameters")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parameters, A::Error> {
                let mut all = Parameters::default();
                while let Some(pair) = map.next_entry()? {
                    all.0.push(pair);
                }
                Ok(all)
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

/// What becomes of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// It is a parameter of version 2.
    Parameter(Named),
    /// It is the interface's own address.
    Address,
    /// There is nothing to do: the kernel and systemd-networkd take care of it.
    Needless,
}

/// A parameter of version 2, by its name there, and how its value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    /// As it is.
    As(&'static str),
    /// A list, or text with commas or blanks.
    List(&'static str),
    /// Ports with numbers.
    Ports(&'static str),
}

use Named::{As, List, Ports};
use Use::{Address, Needless, Parameter};

const BOND: [(&str, Use); 20] = [
    ("ad-select", Parameter(As("ad-select"))),
    ("all-slaves-active", Parameter(As("all-members-active"))),
    ("arp-all-targets", Parameter(As("arp-all-targets"))),
    ("arp-interval", Parameter(As("arp-interval"))),
    ("arp-ip-target", Parameter(List("arp-ip-targets"))),
    ("arp-validate", Parameter(As("arp-validate"))),
    ("downdelay", Parameter(As("down-delay"))),
    ("fail-over-mac", Parameter(As("fail-over-mac-policy"))),
    ("lacp-rate", Parameter(As("lacp-rate"))),
    ("lp-interval", Parameter(As("learn-packet-interval"))),
    ("miimon", Parameter(As("mii-monitor-interval"))),
    ("min-links", Parameter(As("min-links"))),
    ("mode", Parameter(As("mode"))),
    ("num-grat-arp", Parameter(As("gratuitous-arp"))),
    ("packets-per-slave", Parameter(As("packets-per-member"))),
    ("primary", Parameter(As("primary"))),
    ("primary-reselect", Parameter(As("primary-reselect-policy"))),
    ("resend-igmp", Parameter(As("resend-igmp"))),
    ("updelay", Parameter(As("up-delay"))),
    ("xmit-hash-policy", Parameter(As("transmit-hash-policy"))),
];

const BRIDGE: [(&str, Use); 14] = [
    ("ageing", Parameter(As("ageing-time"))),
    ("bridgeprio", Parameter(As("priority"))),
    ("fd", Parameter(As("forward-delay"))),
    ("gcint", Needless),
    ("hello", Parameter(As("hello-time"))),
    ("hw", Address),
    ("maxage", Parameter(As("max-age"))),
    ("maxwait", Needless),
    ("pathcost", Parameter(Ports("path-cost"))),
    ("pathprio", Parameter(Ports("port-priority"))),
    ("portprio", Parameter(Ports("port-priority"))),
    ("ports", Needless),
    ("stp", Parameter(As("stp"))),
    ("waitport", Needless),
];

/// The use of a parameter: with hyphens or underscores, and with or without the kind's prefix.
fn used(table: &str, key: &str) -> Option<Use> {
    let key = key.replace('_', "-");
    let (prefix, known) = match table {
        "bonds" => ("bond-", &BOND[..]),
        "bridges" => ("bridge-", &BRIDGE[..]),
        _ => ("", &[][..]),
    };
    let plain = key.strip_prefix(prefix).unwrap_or(&key);
    known.iter().find(|(name, _)| *name == plain).map(|(_, usage)| *usage)
}

/// Numbers of ports: `eth0 75`; nothing if they are not that.
fn ports(list: &[String]) -> Option<Map<String, Value>> {
    let words: Vec<&str> = list.iter().flat_map(|text| text.split_whitespace()).collect();
    let pairs = words.chunks(2).map(|pair| match pair {
        [port, number] => Some(((*port).to_owned(), json!(number.parse::<u32>().ok()?))),
        _ => None,
    });
    pairs.collect()
}

/// The name in version 2 and the value of a parameter; `None` if the parameter is not one of them, or cannot have this value.
fn translated(usage: Named, Words(list): &Words) -> Option<(&'static str, Value)> {
    let text = || Value::from(list.join(" "));
    match usage {
        As(name) => Some((name, text())),
        List(name) => {
            let items = list.iter().flat_map(|text| text.split([',', ' '])).filter(|word| !word.is_empty());
            Some((name, items.map(Value::from).collect()))
        }
        Ports(name) => Some((name, ports(list)?.into())),
    }
}

impl Parameters {
    /// Sets them in an interface of version 2. `to` is its path, `from` that of the interface in version 1.
    pub fn set(&self, interface: &mut Value, to: &str, from: &str, origins: &mut Origins) -> Vec<Complaint> {
        let table = to.split('.').next().unwrap_or_default();
        let (mut wrong, mut parameters) = (Vec::new(), Map::new());
        let mut set: BTreeMap<&'static str, String> = BTreeMap::new();
        for (key, words) in &self.0 {
            let path = format!("{from}.params.{key}");
            let usage = match used(table, key) {
                None => {
                    wrong.push(Complaint::value(path, "not known; see the parameters of version 2"));
                    continue;
                }
                Some(Needless) => continue,
                Some(Address) => {
                    origins.put(format!("{to}.macaddress"), path);
                    interface["macaddress"] = words.0.join(" ").into();
                    continue;
                }
                Some(Parameter(usage)) => usage,
            };
            let Some((name, value)) = translated(usage, words) else {
                wrong.push(Complaint::value(path, "write ports with numbers, such as `eth0 28`"));
                continue;
            };
            origins.put(format!("{to}.parameters.{name}"), path.clone());
            parameters.insert(name.to_owned(), value);
            let earlier = set.insert(name, path);
            wrong.extend(earlier.map(|earlier| Complaint::value(earlier, SET_TWICE)));
        }
        if !parameters.is_empty() {
            interface["parameters"] = parameters.into();
        }
        wrong
    }
}
