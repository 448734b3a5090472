//! cloud-config: the keys of cloud-init that are acted on, and a few of Kaon's own. `docs/src/firstboot.md` lists them.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::container::Kaon;
use kickstart::{Network, Secret};

/// What is to be done with a system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct CloudConfig {
    /// The machine's name.
    pub hostname: Option<String>,
    /// The machine's name with its domain; goes before `hostname`.
    pub fqdn: Option<String>,
    /// Users besides root.
    pub users: Vec<CloudUser>,
    /// Keys that may log in as root.
    pub ssh_authorized_keys: Vec<String>,
    /// Passwords.
    pub chpasswd: Chpasswd,
    /// Files.
    pub write_files: Vec<WriteFile>,
    /// Commands, run once when the network is up: each a line for the shell, or a list of words.
    pub runcmd: Vec<Words>,
    /// Certificates of authorities that are trusted too.
    pub ca_certs: CaCerts,
    /// The time zone: `Europe/Berlin`.
    pub timezone: Option<String>,
    /// Packages to install when the network is up.
    pub packages: Vec<String>,
    /// Proxies.
    pub proxy: Proxy,
    /// What no other reader of such files knows: images and containers.
    pub kaon: Kaon,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CloudUser {
    /// The login name.
    pub name: String,
    /// The full name.
    #[serde(default)]
    pub gecos: String,
    /// The number.
    #[serde(default)]
    pub uid: Option<u32>,
    /// Further groups: a list, or text with commas.
    #[serde(default)]
    pub groups: Words,
    /// The login shell.
    #[serde(default)]
    pub shell: Option<String>,
    /// Rules of sudo(8) without the user's name: `ALL=(ALL) NOPASSWD:ALL`.
    #[serde(default)]
    pub sudo: Words,
    /// The password's hash.
    #[serde(default)]
    pub passwd: Option<Secret>,
    /// The password's hash.
    #[serde(default)]
    pub hashed_passwd: Option<Secret>,
    /// The password.
    #[serde(default)]
    pub plain_text_passwd: Option<Secret>,
    /// Whether no password fits; without effect where none is given.
    #[serde(default)]
    pub lock_passwd: Option<bool>,
    /// Keys that may log in over SSH.
    #[serde(default)]
    pub ssh_authorized_keys: Vec<String>,
}

impl CloudUser {
    /// A user of whom only the name is given.
    pub(super) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            gecos: String::new(),
            uid: None,
            groups: Words::default(),
            shell: None,
            sudo: Words::default(),
            passwd: None,
            hashed_passwd: None,
            plain_text_passwd: None,
            lock_passwd: None,
            ssh_authorized_keys: Vec::new(),
        }
    }
}

/// Passwords of users that are there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Chpasswd {
    /// Whether they must be changed at the first login.
    pub expire: Option<bool>,
    /// Names and passwords.
    pub users: Vec<PasswordOf>,
}

/// A user's password.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PasswordOf {
    /// The login name.
    pub name: String,
    /// The password or its hash.
    pub password: Secret,
    /// Which of the two.
    #[serde(rename = "type", default)]
    pub kind: PasswordKind,
}

/// What a password is given as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PasswordKind {
    /// Its hash.
    #[default]
    Hash,
    /// Itself.
    Text,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct WriteFile {
    /// Where.
    pub path: String,
    /// Its content.
    #[serde(default)]
    pub content: String,
    /// How `content` is written.
    #[serde(default)]
    pub encoding: Encoding,
    /// Permission bits in octal.
    #[serde(default)]
    pub permissions: Option<Octal>,
    /// `user:group`.
    #[serde(default)]
    pub owner: Option<String>,
    /// Whether the content goes to the end of what is there.
    #[serde(default)]
    pub append: bool,
}

/// How a file's content is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Encoding {
    /// As it is.
    #[default]
    #[serde(rename = "text/plain")]
    Plain,
    /// In Base64.
    #[serde(rename = "b64", alias = "base64")]
    Base64,
    /// Compressed by gzip, in Base64.
    #[serde(rename = "gz+b64", alias = "gzip+base64", alias = "gz+base64", alias = "gzip+b64")]
    GzipBase64,
}

/// Certificates of authorities.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct CaCerts {
    /// Each as PEM text.
    pub trusted: Vec<String>,
}

/// Proxies, for everything that systemd starts and for logins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Proxy {
    /// For http.
    pub http: Option<String>,
    /// For https.
    pub https: Option<String>,
    /// Hosts that are asked directly, with commas.
    pub no_proxy: Option<String>,
}

/// What a platform says of a system.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct MetaData {
    /// Which system this is.
    pub instance_id: Option<String>,
    /// Its name.
    pub local_hostname: Option<String>,
    /// Its name.
    pub hostname: Option<String>,
    /// Keys that may log in as root.
    pub public_keys: Words,
    /// The network.
    pub network: Option<NetworkConfig>,
}

/// A network, wrapped or not.
#[derive(Debug, Deserialize)]
pub struct NetworkConfig {
    config: Option<Network>,
    version: Option<kickstart::Version>,
    #[serde(default)]
    ethernets: std::collections::BTreeMap<String, kickstart::Ethernet>,
    #[serde(default)]
    vlans: std::collections::BTreeMap<String, kickstart::Vlan>,
}

impl NetworkConfig {
    pub(super) fn into_network(self) -> Network {
        let version = self.version.unwrap_or(kickstart::Version::Two);
        self.config.unwrap_or(Network { version, hostname: None, ethernets: self.ethernets, vlans: self.vlans })
    }
}

/// A file of NoCloud that contains a network.
#[derive(Debug, Deserialize)]
pub(super) struct Wrapped {
    pub network: Network,
}

/// A list of texts, or one text. Which one it was matters for commands only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words(pub Vec<String>, pub bool);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader(PhantomData<()>);
        impl<'de> Visitor<'de> for Reader {
            type Value = Words;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text, or a list of texts")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Words, E> {
                Ok(Words(vec![text.to_owned()], false))
            }

            fn visit_unit<E: de::Error>(self) -> Result<Words, E> {
                Ok(Words::default())
            }

            // `sudo: false`, as cloud-init writes "none".
            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Words, E> {
                if value { Err(E::invalid_type(de::Unexpected::Bool(value), &self)) } else { Ok(Words::default()) }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Words, A::Error> {
                let mut words = Vec::new();
                while let Some(Word(word)) = list.next_element()? {
                    words.push(word);
                }
                Ok(Words(words, true))
            }
        }
        let mut words = deserializer.deserialize_any(Reader(PhantomData))?;
        if matches!(&words.0[..], [text] if !words.1 && is_name_list(text)) {
            words.0 = words.0.iter().flat_map(|text| text.split(',')).map(|word| word.trim().to_owned()).collect();
        }
        Ok(words)
    }
}

/// `docker, wheel`.
fn is_name_list(text: &str) -> bool {
    text.contains(',') && text.split(',').all(|word| kickstart::is_account_name(word.trim()))
}

/// A word of a command: text, or a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word(pub String);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Word;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Word, E> {
                Ok(Word(text.to_owned()))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Word, E> {
                Ok(Word(number.to_string()))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Word, E> {
                Ok(Word(number.to_string()))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// Permission bits: `'0644'`, or `0o644`. YAML reads 0644 without quotes as the decimal number, whose digits are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Octal(pub u32);

impl<'de> Deserialize<'de> for Octal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Word(text) = Word::deserialize(deserializer)?;
        let digits = text.trim_start_matches("0o");
        let mode = u32::from_str_radix(digits, 8).ok().filter(|mode| *mode <= 0o7777);
        mode.map(Self).ok_or_else(|| de::Error::custom("not permission bits such as '0644'"))
    }
}

/// Keys of cloud-init that are understood, but not acted on.
pub(super) fn unsupported(of: &str, key: &str) -> Option<&'static str> {
    match (of, key) {
        ("CloudConfig", "growpart" | "resize_rootfs") => Some("the root always grows to the size of the disk"),
        ("CloudConfig", "ssh_pwauth") => Some("write a file below /etc/ssh/sshd_config.d with `write_files`"),
        ("CloudConfig", "bootcmd") => Some("use `runcmd`"),
        ("CloudConfig", "package_update" | "package_upgrade") => Some("run `tdnf -y update` in `runcmd`"),
        ("CloudConfig", "power_state") => Some("run `systemctl reboot` in `runcmd`"),
        ("CloudConfig", "network") => Some("the network is configured in a separate document, network-config"),
        ("WriteFile", "defer") => Some("files are always written after users are created"),
        _ => None,
    }
}

impl CloudConfig {
    /// Adds what another source says; what is there goes before.
    pub(super) fn add(&mut self, other: Self) {
        self.hostname = self.hostname.take().or(other.hostname);
        self.users.extend(other.users);
        self.ssh_authorized_keys.extend(other.ssh_authorized_keys);
        self.chpasswd.users.extend(other.chpasswd.users);
        self.ca_certs.trusted.extend(other.ca_certs.trusted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_bits() {
        let read = |text: &str| serde_json::from_str::<Words>(text).map(|words| words.0);
        assert_eq!(read("\"docker, wheel\"").unwrap(), ["docker", "wheel"]);
        assert_eq!(read("\"ALL=(ALL) NOPASSWD:ALL\"").unwrap(), ["ALL=(ALL) NOPASSWD:ALL"]);
        assert_eq!(read("[\"a\", 7]").unwrap(), ["a", "7"]);
        assert!(read("false").unwrap().is_empty() && read("true").is_err());
        for (text, mode) in [("\"0644\"", 0o644), ("644", 0o644), ("\"0o600\"", 0o600)] {
            assert_eq!(serde_json::from_str::<Octal>(text).unwrap(), Octal(mode));
        }
        assert!(serde_json::from_str::<Octal>("\"9\"").is_err() && serde_json::from_str::<Octal>("\"77777\"").is_err());
    }
}
