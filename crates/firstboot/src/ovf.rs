//! The OVF environment (DMTF DSP0243, 9): what was filled in when a virtual appliance was deployed.

use std::collections::BTreeMap;

use base64::Engine as _;
use quick_xml::Reader;
use quick_xml::events::Event;

use super::CloudConfig;
use super::cloud::{CaCerts, Chpasswd, PasswordKind, PasswordOf};
use kickstart::{Ethernet, Match, Nameservers, Network, Secret, Version, is_hash};

/// The properties, by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, Secret>);

/// Why an OVF environment cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the OVF environment is not XML: {0}")]
pub struct OvfError(String);

impl Environment {
    /// Reads the XML.
    ///
    /// # Errors
    /// When it is not one.
    pub fn parse(xml: &str) -> Result<Self, OvfError> {
        let wrong = |error: &dyn std::fmt::Display| OvfError(error.to_string());
        let mut reader = Reader::from_str(xml);
        let mut properties = BTreeMap::new();
        loop {
            match reader.read_event().map_err(|error| wrong(&error))? {
                Event::Eof => return Ok(Self(properties)),
                Event::Start(element) | Event::Empty(element) if element.local_name().as_ref() == "Property" => {
                    let (mut key, mut value) = (String::new(), String::new());
                    for attribute in element.attributes() {
                        let attribute = attribute.map_err(|error| wrong(&error))?;
                        let text = quick_xml::escape::unescape(&attribute.value).map_err(|error| wrong(&error))?.into_owned();
                        match attribute.key.local_name().as_ref() {
                            "key" => key = text,
                            "value" => value = text,
                            _ => {}
                        }
                    }
                    if !value.is_empty() {
                        properties.insert(key, Secret::new(value));
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether no property was filled in.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(Secret::reveal)
    }

    /// The user data in it, which is in Base64.
    pub(super) fn user_data(&self, complaints: &mut Vec<String>) -> Option<String> {
        let text: String = self.get("user-data")?.split_whitespace().collect();
        let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        if bytes.is_none() {
            complaints.push("OVF: user-data: not text in Base64".into());
        }
        bytes
    }

    /// What the other properties ask for.
    pub(super) fn wishes(&self, complaints: &mut Vec<String>) -> (CloudConfig, Option<Network>) {
        let password = self.get("password").and_then(|text| root_password(text, complaints));
        let cloud = CloudConfig {
            hostname: self.get("hostname").map(str::to_owned),
            ssh_authorized_keys: self.get("public-keys").map(|text| text.lines().map(str::to_owned).collect()).unwrap_or_default(),
            chpasswd: Chpasswd { expire: Some(false), users: password.into_iter().collect() },
            ca_certs: CaCerts { trusted: self.get("ca-certificates").map(certificates).unwrap_or_default() },
            ..CloudConfig::default()
        };
        const KNOWN: [&str; 8] = ["hostname", "public-keys", "password", "address", "gateway", "dns", "user-data", "ca-certificates"];
        let unknown = self.0.keys().filter(|key| !KNOWN.contains(&key.as_str()));
        complaints.extend(unknown.map(|key| format!("OVF: {key}: unknown property")));
        (cloud, self.network(complaints))
    }

    /// A fixed address on every card but those of containers.
    fn network(&self, complaints: &mut Vec<String>) -> Option<Network> {
        let list = |key: &str| -> Vec<String> {
            self.get(key).map(|text| text.split([' ', ',']).map(str::to_owned).collect()).unwrap_or_default()
        };
        let (addresses, gateway, dns) = (list("address"), list("gateway"), list("dns"));
        let mut wrong = |key: &str, text: &str| complaints.push(format!("OVF: {key}: `{text}` is not an address"));
        let mut card = Ethernet { matches: Some(Match { name: Some("e*".into()), ..Match::default() }), ..Ethernet::default() };
        for text in addresses.iter().filter(|text| !text.is_empty()) {
            text.parse().map_or_else(|_| wrong("address", text), |address| card.addresses.push(address));
        }
        for text in gateway.iter().filter(|text| !text.is_empty()) {
            text.parse().map_or_else(|_| wrong("gateway", text), |address| card.gateway = Some(address));
        }
        let mut names = Nameservers::default();
        for text in dns.iter().filter(|text| !text.is_empty()) {
            text.parse().map_or_else(|_| wrong("dns", text), |address| names.addresses.push(address));
        }
        card.nameservers = names;
        let given = !card.addresses.is_empty();
        let ethernets = BTreeMap::from([("ovf".to_owned(), card)]);
        given.then_some(Network { version: Version::Two, hostname: None, ethernets, vlans: BTreeMap::new() })
    }
}

/// PEM texts, one after the other, or Base64 of that; a property of one line has blanks where line ends were.
fn certificates(text: &str) -> Vec<String> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let packed: String = text.split_whitespace().collect();
    let unpacked = base64::engine::general_purpose::STANDARD.decode(packed).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let text = unpacked.as_deref().unwrap_or(text);
    let blocks = text.split(BEGIN).skip(1).filter_map(|block| block.split(END).next());
    blocks.map(|block| format!("{BEGIN}\n{}\n{END}\n", block.split_whitespace().collect::<Vec<_>>().join("\n"))).collect()
}

/// Root's password, or its hash. What begins as a hash and is not a complete one was cut or mistyped: as a password in clear, it would be
/// one that nobody knows.
fn root_password(text: &str, complaints: &mut Vec<String>) -> Option<PasswordOf> {
    let kind = match text {
        _ if is_hash(text) => PasswordKind::Hash,
        _ if begins_as_hash(text) => {
            complaints.push("OVF: password: an incomplete hash, which no password can match: root gets no password".into());
            return None;
        }
        _ => PasswordKind::Text,
    };
    Some(PasswordOf { name: "root".into(), password: Secret::new(text), kind })
}

/// Whether a text begins as the hashes of crypt(5) do.
fn begins_as_hash(text: &str) -> bool {
    ["$1$", "$2a$", "$2b$", "$2y$", "$5$", "$6$", "$7$", "$y$", "$gy$"].iter().any(|kind| text.starts_with(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_become_wishes() {
        let xml = r#"<?xml version="1.0"?><Environment xmlns="e" xmlns:oe="e"><PropertySection>
            <Property oe:key="hostname" oe:value="node"/><Property oe:key="public-keys" oe:value="ssh-ed25519 AAAA &lt;me&gt;"/>
            <Property oe:key="password" oe:value="sesame"/><Property oe:key="address" oe:value="192.0.2.7/24"/>
            <Property oe:key="gateway" oe:value="192.0.2.1"/><Property oe:key="dns" oe:value="192.0.2.53, x"/>
            <Property oe:key="user-data" oe:value="I2Nsb3VkLWNvbmZpZwo="/><Property oe:key="flux" oe:value="1"/>
            <Property oe:key="ca-certificates" oe:value="-----BEGIN CERTIFICATE----- AA BB -----END CERTIFICATE-----"/>
            </PropertySection></Environment>"#;
        let environment = Environment::parse(xml).unwrap();
        let mut complaints = Vec::new();
        assert_eq!(environment.user_data(&mut complaints).as_deref(), Some("#cloud-config\n"));
        let (cloud, network) = environment.wishes(&mut complaints);
        assert_eq!(cloud.hostname.as_deref(), Some("node"));
        assert_eq!(cloud.ssh_authorized_keys, ["ssh-ed25519 AAAA <me>"]);
        assert_eq!(cloud.chpasswd.users[0].kind, PasswordKind::Text);
        assert_eq!(cloud.ca_certs.trusted[0], "-----BEGIN CERTIFICATE-----\nAA\nBB\n-----END CERTIFICATE-----\n");
        let card = &network.unwrap().ethernets["ovf"];
        assert_eq!((card.addresses.len(), card.nameservers.addresses.len()), (1, 1));
        assert_eq!(complaints, ["OVF: flux: unknown property", "OVF: dns: `x` is not an address"]);
        assert!(!format!("{environment:?}").contains("sesame"));
        assert!(Environment::parse("<a").is_err());
    }

    #[test]
    fn a_cut_hash_is_no_password() {
        let hash = "$6$salt$14r3nF05sTyFT6Az9BZiefcxxdriB1dtvMNuQlud3vnILbBU4O2UmqOCZ7Uvskulee0.2lRLq3wyq7GYJOdU80";
        for (text, expected) in
            [(hash, Some(PasswordKind::Hash)), (&hash[..70], None), ("$6$", None), ("$6 for you", Some(PasswordKind::Text))]
        {
            let mut complaints = Vec::new();
            assert_eq!(root_password(text, &mut complaints).map(|password| password.kind), expected, "{text}");
            assert_eq!(complaints.len(), usize::from(expected.is_none()), "{text}");
        }
    }
}
