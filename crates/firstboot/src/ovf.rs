//! The OVF environment (DMTF DSP0243, 9): what was filled in when a virtual appliance was deployed.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use base64::Engine as _;
use quick_xml::Reader;
use quick_xml::events::Event;

use super::CloudConfig;
use super::cloud::{CaCerts, Chpasswd, Hostname, PasswordOf, SshKey, Word};
use super::source::{NETWORK_CONFIG, USER_DATA};
use kickstart::{BEGIN_CERTIFICATE, END_CERTIFICATE, Ethernet, Match, Nameservers, Network, Overrides, Route, Secret, are_certificates};
use system::guestinfo::{self, DecodeError};

/// Properties that are documents of their own.
const DOCUMENTS: [&str; 2] = [USER_DATA, NETWORK_CONFIG];

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

    /// A document in a property: in Base64, or as it is, which cloud-init tries in this order.
    pub(super) fn document(&self, key: &str, complaints: &mut Vec<String>) -> Option<String> {
        let given = self.get(key)?;
        let text = match guestinfo::decode_bytes(given, "base64") {
            // A cut document has letters of Base64 only.
            Err(DecodeError::Base64) if given.contains(['#', ':', '{']) => Ok(given.to_owned()),
            decoded => decoded.and_then(|bytes| guestinfo::text_of(&bytes)),
        };
        let text = text.map_err(|error| complaints.push(format!("OVF: {key}: {error}"))).ok()?;
        let is_one_comment =
            text.starts_with('#') && text.trim().split_once(char::is_whitespace).is_some() && text.trim().lines().count() == 1;
        if is_one_comment {
            complaints.push(format!("OVF: {key}: all of it is one line, which begins with `#`: write it in Base64, which keeps its lines"));
            return None;
        }
        Some(text)
    }

    /// The property that says which system this is.
    pub(super) fn instance(&self) -> Option<&str> {
        self.get("instance-id")
    }

    /// All properties but those that are documents of their own, for a digest.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let pairs = self.0.iter().filter(|(key, _)| !DOCUMENTS.contains(&key.as_str()));
        pairs.flat_map(|(key, value)| format!("{key}\0{}\0", value.reveal()).into_bytes()).collect()
    }

    /// What the other properties ask for.
    pub(super) fn wishes(&self, complaints: &mut Vec<String>) -> (CloudConfig, Option<Network>) {
        let mut complain = |key: &str, what: &str| complaints.push(format!("OVF: {key}: {what}"));
        let hostname = self
            .get("hostname")
            .and_then(|text| Hostname::try_from(Word(text.to_owned())).map_err(|reason| complain("hostname", &reason)).ok());
        let password = self.get("password").and_then(|text| {
            let password = PasswordOf::guessed("root", text);
            password.map_err(|reason| complain("password", &format!("{reason}: root gets no password"))).ok()
        });
        let mut keys = Vec::new();
        for (index, line) in self.get("public-keys").unwrap_or_default().lines().filter(|line| !line.trim().is_empty()).enumerate() {
            match SshKey::try_from(Word(line.to_owned())) {
                Ok(key) => {
                    key.refused().iter().for_each(|reason| complain(&format!("public-keys: line {}", index + 1), reason));
                    keys.push(key);
                }
                Err(reason) => complain(&format!("public-keys: line {}", index + 1), &reason),
            }
        }
        // Whoever fills in a form has chosen the password, and programs that deploy cannot change it.
        let users = password.into_iter().map(|password| PasswordOf { expire: Some(false), ..password }).collect();
        let cloud = CloudConfig {
            hostname,
            ssh_authorized_keys: keys,
            chpasswd: Chpasswd { users, ..Chpasswd::default() },
            ca_certs: CaCerts { trusted: self.get("ca-certificates").map(certificates).unwrap_or_default() },
            ..CloudConfig::default()
        };
        if self.0.contains_key("ca-certificates") && cloud.ca_certs.trusted.is_empty() {
            complain("ca-certificates", "it contains no certificate in PEM");
        }
        for key in self.0.keys() {
            match key.as_str() {
                "address" | "gateway" | "dns" if self.0.contains_key(NETWORK_CONFIG) => {
                    complain(key, "it is not used, for there is a `network-config`");
                }
                "hostname" | "public-keys" | "password" | "address" | "gateway" | "dns" | "ca-certificates" | "instance-id" => {}
                USER_DATA | NETWORK_CONFIG => {}
                "seedfrom" => complain(key, "nothing is fetched from an address: use `user-data`"),
                _ => complain(key, "unknown property"),
            }
        }
        let network = if self.0.contains_key(NETWORK_CONFIG) { None } else { self.network(complaints) };
        (cloud, network)
    }

    /// A fixed address on every card but those of containers.
    fn network(&self, complaints: &mut Vec<String>) -> Option<Network> {
        let list = |key: &str| -> Vec<String> {
            self.get(key).map(|text| text.split([' ', ',']).map(str::to_owned).collect()).unwrap_or_default()
        };
        let (addresses, gateway, dns) = (list("address"), list("gateway"), list("dns"));
        let mask = addresses.iter().find_map(|text| length_of_mask(text));
        let mut card = Ethernet { matches: Some(Match { name: Some("e*".into()), ..Match::default() }), ..Ethernet::default() };
        let is_address = |text: &&String| !text.is_empty() && (addresses.len() == 1 || length_of_mask(text).is_none());
        for text in addresses.iter().filter(is_address) {
            match text.parse() {
                Ok(address) => card.addresses.push(address),
                Err(_) => complaints.push(format!("OVF: address: {}", not_in_a_network(text, mask))),
            }
        }
        let mut wrong = |key: &str, text: &str| complaints.push(format!("OVF: {key}: `{text}` is not an address"));
        for text in gateway.iter().filter(|text| !text.is_empty()) {
            text.parse().map_or_else(|_| wrong("gateway", text), |address| card.gateway = Some(address));
        }
        let mut names = Nameservers::default();
        for text in dns.iter().filter(|text| !text.is_empty()) {
            text.parse().map_or_else(|_| wrong("dns", text), |address| names.addresses.push(address));
        }
        card.nameservers = names;
        if card.addresses.is_empty() {
            if card.gateway.take().is_some() {
                complaints.push("OVF: gateway: without an `address` it is not used".to_owned());
            }
            if !card.nameservers.addresses.is_empty() {
                complaints.push("OVF: dns: without an `address` the cards ask DHCP for theirs, and use these name servers".to_owned());
            }
            // Addresses by DHCP, and names by the servers that were asked for.
            card.dhcp4 = true;
            card.dhcp4_overrides = Overrides { use_dns: Some(false), ..Overrides::default() };
        }
        if let Some(gateway) = card.gateway.filter(|gateway| {
            let mut same = card.addresses.iter().filter(|own| own.cidr.address.is_ipv4() == gateway.is_ipv4()).peekable();
            same.peek().is_some() && !same.any(|own| own.cidr.contains(*gateway))
        }) {
            complaints.push(format!("OVF: gateway: {gateway} is outside of the networks of `address`; it is taken to be on the link"));
            card.gateway = None;
            card.routes.push(Route { to: "default".to_owned(), via: Some(gateway), on_link: Some(true), ..Route::default() });
        }
        let given = !card.addresses.is_empty() || !card.nameservers.addresses.is_empty();
        given.then(|| Network { ethernets: BTreeMap::from([("ovf".to_owned(), card)]), ..Network::default() })
    }
}

/// What is wrong with an address that does not say how long its network's prefix is; `mask` is what another word says of that.
fn not_in_a_network(text: &str, mask: Option<u32>) -> String {
    let length = match text.parse() {
        Ok(IpAddr::V4(_)) => mask.unwrap_or(24),
        Ok(IpAddr::V6(_)) => 64,
        Err(_) => return format!("`{text}` is not an address"),
    };
    format!("`{text}` lacks the length of its network's prefix: write for example `{text}/{length}`")
}

/// The length of the prefix that a mask such as 255.255.255.0 stands for.
fn length_of_mask(text: &str) -> Option<u32> {
    let bits = text.parse::<Ipv4Addr>().ok()?.to_bits();
    (bits.leading_ones() >= 8 && bits.leading_ones() + bits.trailing_zeros() == 32).then_some(bits.leading_ones())
}

/// PEM texts, one after the other, or Base64 of that; a property of one line has blanks where line ends were.
fn certificates(text: &str) -> Vec<String> {
    let packed: String = text.split_whitespace().collect();
    let unpacked = base64::engine::general_purpose::STANDARD.decode(packed).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let text = unpacked.as_deref().unwrap_or(text);
    let blocks = text.split(BEGIN_CERTIFICATE).skip(1).filter_map(|block| block.split(END_CERTIFICATE).next());
    let lines = |block: &str| block.split_whitespace().collect::<Vec<_>>().join("\n");
    let texts = blocks.map(|block| format!("{BEGIN_CERTIFICATE}\n{}\n{END_CERTIFICATE}\n", lines(block)));
    texts.filter(|text| are_certificates(text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::PasswordKind;

    #[test]
    fn properties_become_wishes() {
        let xml = r#"<?xml version="1.0"?><Environment xmlns="e" xmlns:oe="e"><PropertySection>
            <Property oe:key="hostname" oe:value="node"/><Property oe:key="public-keys" oe:value="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPB3ZUf/t9vf9lorU76ObjtWE8WL0bnFRFO4YT43pIB &lt;me&gt;"/>
            <Property oe:key="password" oe:value="sesame"/><Property oe:key="address" oe:value="192.0.2.7/24"/>
            <Property oe:key="gateway" oe:value="192.0.2.1"/><Property oe:key="dns" oe:value="192.0.2.53, x"/>
            <Property oe:key="user-data" oe:value="I2Nsb3VkLWNvbmZpZwo="/><Property oe:key="flux" oe:value="1"/>
            <Property oe:key="ca-certificates" oe:value="-----BEGIN CERTIFICATE----- MA A= -----END CERTIFICATE-----"/>
            </PropertySection></Environment>"#;
        let environment = Environment::parse(xml).unwrap();
        let mut complaints = Vec::new();
        assert_eq!(environment.document(USER_DATA, &mut complaints).as_deref(), Some("#cloud-config\n"));
        let (cloud, network) = environment.wishes(&mut complaints);
        assert_eq!(cloud.hostname, Some(Hostname("node".into())));
        assert_eq!(
            cloud.ssh_authorized_keys,
            [SshKey("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPB3ZUf/t9vf9lorU76ObjtWE8WL0bnFRFO4YT43pIB <me>".into())]
        );
        assert_eq!(cloud.chpasswd.users[0].kind, PasswordKind::Text);
        assert_eq!(cloud.ca_certs.trusted[0], "-----BEGIN CERTIFICATE-----\nMA\nA=\n-----END CERTIFICATE-----\n");
        let card = &network.unwrap().ethernets["ovf"];
        assert_eq!((card.addresses.len(), card.nameservers.addresses.len()), (1, 1));
        assert_eq!(complaints, ["OVF: flux: unknown property", "OVF: dns: `x` is not an address"]);
        assert!(!format!("{environment:?}").contains("sesame"));
        assert!(Environment::parse("<a").is_err());
    }

    #[test]
    fn documents_are_in_base64_or_as_they_are() {
        let table = [
            ("I2Nsb3VkLWNvbmZpZwo=", Some("#cloud-config\n"), 0),
            ("#cloud-config\nhostname: raw", Some("#cloud-config\nhostname: raw"), 0),
            ("I2Nsb3VkLWNvbmZpZw", None, 1),
            ("#cloud-config hostname: raw", None, 1),
        ];
        for (text, expected, told) in table {
            let environment = Environment(BTreeMap::from([(USER_DATA.to_owned(), Secret::new(text))]));
            let mut complaints = Vec::new();
            assert_eq!(environment.document(USER_DATA, &mut complaints).as_deref(), expected, "{text}");
            assert_eq!(complaints.len(), told, "{text}: {complaints:?}");
        }
    }

    #[test]
    fn an_address_needs_the_length_of_its_prefix() {
        let table = [
            ("10.0.0.5", "`10.0.0.5/24`"),
            ("10.0.0.5 255.255.0.0", "`10.0.0.5/16`"),
            ("2001:db8::5", "`2001:db8::5/64`"),
            ("x", "`x` is not an address"),
        ];
        for (text, expected) in table {
            let environment = Environment(BTreeMap::from([("address".to_owned(), Secret::new(text))]));
            let mut complaints = Vec::new();
            environment.wishes(&mut complaints);
            assert!(complaints.len() == 1 && complaints[0].contains(expected), "{text}: {complaints:?}");
        }
    }

    #[test]
    fn names_alone_are_asked_for_by_dhcp() {
        let table = [(&["dns"][..], true, 1), (&["gateway"], false, 1), (&["dns", "gateway"], true, 2)];
        for (keys, expected, complaints) in table {
            let environment = Environment(keys.iter().map(|key| ((*key).to_owned(), Secret::new("192.0.2.1"))).collect());
            let mut told = Vec::new();
            let (_, network) = environment.wishes(&mut told);
            assert_eq!(network.is_some_and(|network| network.ethernets["ovf"].dhcp4), expected, "{keys:?}");
            assert_eq!(told.len(), complaints, "{keys:?}: {told:?}");
        }
    }

    #[test]
    fn a_gateway_outside_is_on_the_link() {
        for (address, gateway, on_link) in
            [("192.0.2.7/24", "192.0.2.1", None), ("203.0.113.7/32", "198.51.100.1", Some(true)), ("2001:db8::7/64", "2001:db8::1", None)]
        {
            let properties = [("address", address), ("gateway", gateway)].map(|(key, value)| (key.to_owned(), Secret::new(value)));
            let mut told = Vec::new();
            let (_, network) = Environment(properties.into_iter().collect()).wishes(&mut told);
            let network = network.unwrap();
            let card = &network.ethernets["ovf"];
            assert_eq!(card.routes.first().and_then(|route| route.on_link), on_link, "{gateway}");
            assert_eq!(card.gateway.is_none(), on_link.is_some(), "{gateway}");
            assert_eq!(told.len(), usize::from(on_link.is_some()), "{told:?}");
        }
    }

    #[test]
    fn a_cut_hash_is_no_password() {
        let hash = "$6$salt$14r3nF05sTyFT6Az9BZiefcxxdriB1dtvMNuQlud3vnILbBU4O2UmqOCZ7Uvskulee0.2lRLq3wyq7GYJOdU80";
        for (text, expected) in
            [(hash, Some(PasswordKind::Hash)), (&hash[..70], None), ("$6$", None), ("$6 for you", Some(PasswordKind::Text))]
        {
            let environment = Environment(BTreeMap::from([("password".to_owned(), Secret::new(text))]));
            let mut complaints = Vec::new();
            let (cloud, _) = environment.wishes(&mut complaints);
            assert_eq!(cloud.chpasswd.users.first().map(|password| password.kind), expected, "{text}");
            assert_eq!(complaints.len(), usize::from(expected.is_none()), "{text}");
        }
    }
}
