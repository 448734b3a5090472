//! Settings of services, and what happens at the end.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};

use super::value::{Command, Line, TimeServer, WebAddress, Word};

/// The language of programs; false for the system's own.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Line")]
pub struct Locale(pub Option<String>);

impl TryFrom<Line> for Locale {
    type Error = String;

    fn try_from(Line(text): Line) -> Result<Self, String> {
        match text.as_str() {
            "false" | "False" | "no" | "" => Ok(Self(None)),
            name if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.@-".contains(&byte)) => Ok(Self(Some(name.to_owned()))),
            name => Err(format!("`{name}` is not a locale such as `en_GB.UTF-8`")),
        }
    }
}

/// The console's keyboard.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Keyboard {
    /// The keys' letters: `de`.
    pub layout: Line,
    /// The kind of keyboard.
    #[serde(default)]
    pub model: Option<Line>,
    /// A variant of the layout.
    #[serde(default)]
    pub variant: Option<Line>,
    /// Further settings.
    #[serde(default)]
    pub options: Option<Line>,
}

/// Who is asked for the time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Ntp {
    /// Whether anybody is asked; true by default.
    pub enabled: Option<bool>,
    /// Servers.
    pub servers: Vec<TimeServer>,
    /// Names that lead to several servers.
    pub pools: Vec<TimeServer>,
    /// The program that asks.
    pub ntp_client: Option<NtpClient>,
}

/// A program that asks for the time.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct NtpClient(pub Line);

impl NtpClient {
    /// Whether it is the one that is used.
    pub(super) fn is_ours(&self) -> bool {
        matches!(self.0.0.as_str(), "auto" | "systemd-timesyncd" | "none" | "None" | "")
    }
}

/// Who is asked for names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ResolvConf {
    /// The servers' addresses.
    pub nameservers: Vec<std::net::IpAddr>,
    /// Search domains.
    pub searchdomains: Vec<Line>,
    /// The machine's own domain, which is searched first.
    pub domain: Option<Line>,
}

/// A repository of packages: keys of its section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct YumRepo(pub BTreeMap<String, Vec<String>>);

impl<'de> Deserialize<'de> for YumRepo {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Values(Vec<String>);
        impl<'de> Deserialize<'de> for Values {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let lines = Vec::<Line>::deserialize(deserializer)?.into_iter();
                Ok(Self(lines.map(|Line(line)| line).collect()))
            }
        }
        let keys = BTreeMap::<String, Values>::deserialize(deserializer)?;
        let plain = |key: &String| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        if let Some(key) = keys.keys().find(|key| !plain(key)) {
            return Err(de::Error::custom(format!("`{key}` cannot be a key of a repository")));
        }
        if !keys.keys().any(|key| matches!(key.as_str(), "baseurl" | "metalink" | "mirrorlist")) {
            return Err(de::Error::custom("a repository needs `baseurl`"));
        }
        Ok(Self(keys.into_iter().map(|(key, Values(values))| (key, values)).collect()))
    }
}

/// A package, with a version if one is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// What the package manager is asked for: a name, or a name and a version with a hyphen between them.
    pub wanted: String,
}

impl Package {
    fn new<E: de::Error>(words: &[&str]) -> Result<Self, E> {
        let plain = |word: &&str| !word.is_empty() && !word.starts_with('-') && word.bytes().all(|byte| byte.is_ascii_graphic());
        match words {
            [_] | [_, _] if words.iter().all(plain) => Ok(Self { wanted: words.join("-") }),
            _ => Err(E::custom("write the name of a package, or `[name, version]`")),
        }
    }
}

impl<'de> Deserialize<'de> for Package {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Package;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a package, or `[name, version]`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Package, E> {
                Package::new(&[text.trim()])
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Package, A::Error> {
                let mut words: Vec<String> = Vec::new();
                while let Some(Word(word)) = list.next_element()? {
                    words.push(word);
                }
                Package::new(&words.iter().map(String::as_str).collect::<Vec<_>>())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Package, A::Error> {
                let manager: String = map.next_key()?.unwrap_or_default();
                let _: de::IgnoredAny = map.next_value()?;
                Err(de::Error::custom(match manager.as_str() {
                    "apt" | "snap" | "dnf" | "yum" | "zypper" | "apk" | "pacman" => {
                        format!("`{manager}` is another package manager; list the names of packages for tdnf")
                    }
                    _ => "write the name of a package, or `[name, version]`, not a table".to_owned(),
                }))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// Whom to tell that the machine is up.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PhoneHome {
    /// The address.
    pub url: WebAddress,
    /// What is told: `all`, or a list of names.
    #[serde(default)]
    pub post: Vec<String>,
    /// How often it is tried; 10 by default.
    #[serde(default)]
    pub tries: Option<u32>,
}

/// What becomes of the machine at the end.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PowerState {
    /// What is done.
    pub mode: Mode,
    /// When: `now`, or in so many minutes.
    #[serde(default)]
    pub delay: Delay,
    /// What those who are logged in are told.
    #[serde(default)]
    pub message: Option<Line>,
    /// A command that must succeed, or whether it is done at all.
    #[serde(default)]
    pub condition: Option<Command>,
    /// How long the end is waited for; nothing is waited for here, for this is the end.
    #[serde(default)]
    pub timeout: Option<u32>,
}

/// What is done with a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It is restarted.
    Reboot,
    /// It is switched off.
    Poweroff,
    /// It is stopped.
    Halt,
}

/// A time in minutes, from 0, which is at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Word")]
pub struct Delay(pub u32);

impl TryFrom<Word> for Delay {
    type Error = String;

    fn try_from(Word(text): Word) -> Result<Self, String> {
        if text == "now" {
            return Ok(Self(0));
        }
        text.trim_start_matches('+').parse().map(Self).map_err(|_| "write `now`, or a number of minutes".to_owned())
    }
}
