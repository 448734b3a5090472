//! Selects the Debian archive: the user's setting, else the one in the host's apt configuration.

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::str::FromStr;

use super::builtin::local_path;
use super::config::host_repositories;
use super::{AptError, Repository, Settings};
use base::address::{one_without_password, without_passwords};

/// The address of an archive: `http:`, `https:`, `file:` or `copy:`, without a final slash.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mirror(String);

/// A text that is not an archive's address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMirror {
    /// Files cannot be fetched from such an address.
    #[error("files cannot be fetched from `{text}`: an http, https or file URL is required")]
    NoAddress {
        /// The text, without passwords.
        text: String,
    },
    /// An address of a server without a host, or with a port that does not exist.
    #[error("`{text}` names no host, or a port above 65535")]
    NoHost {
        /// The text, without passwords.
        text: String,
    },
    /// The path of a folder.
    #[error("`{text}` is a path, and an address is required: write `file://{text}`")]
    Path {
        /// The text.
        text: String,
    },
    /// A character that no address contains.
    #[error("`{text}` contains {character:?}, which an address cannot: write it as `{encoded}`")]
    Character {
        /// The text, without passwords.
        text: String,
        /// The character.
        character: char,
        /// How it is written (RFC 3986, 2.1).
        encoded: String,
    },
    /// A `file:` address that begins with a host.
    #[error(
        "`{text}` names the machine `{host}`, and files of other machines cannot be read: a path follows three slashes, as in file:///srv/kaon"
    )]
    OtherMachine {
        /// The text.
        text: String,
        /// The machine.
        host: String,
    },
}

impl Mirror {
    /// The complete address; [`Display`](fmt::Display) hides user and password.
    pub fn address(&self) -> String {
        self.0.clone()
    }

    /// The folder of this machine that it is, if it is one.
    pub fn folder(&self) -> Option<PathBuf> {
        local_path(&self.0)
    }

    /// The address of the file at `path` below the archive's root, in the form of apt's method that leaves a copy.
    pub fn file(&self, path: &str) -> String {
        let root = self.0.strip_prefix("file:").map_or_else(|| self.0.clone(), |rest| format!("copy:{rest}"));
        format!("{root}/{path}")
    }
}

impl FromStr for Mirror {
    type Err = InvalidMirror;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // What follows a path may be a signature, which is as good as a password.
        let shown = || one_without_password(text).split_inclusive(['?', '#']).next().unwrap_or_default().to_owned();
        // Schemes are the same in capital letters (RFC 3986, 3.1).
        let text = &with_small_scheme(text);
        if text.starts_with('/') {
            return Err(InvalidMirror::Path { text: text.to_owned() });
        }
        if !["http://", "https://", "file:/", "copy:/"].iter().any(|scheme| text.starts_with(scheme)) {
            return Err(InvalidMirror::NoAddress { text: shown() });
        }
        if let Some(character) = text.chars().find(|character| character.is_whitespace() || character.is_control()) {
            return Err(InvalidMirror::Character { text: shown(), character, encoded: encoded(character) });
        }
        if text.split_once("://").is_some_and(|(scheme, rest)| scheme.starts_with("http") && !has_host(rest)) {
            return Err(InvalidMirror::NoHost { text: shown() });
        }
        let text = without_host(text)?;
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }
}

fn with_small_scheme(text: &str) -> String {
    match text.split_once(':') {
        Some((scheme, rest)) => format!("{}:{rest}", scheme.to_ascii_lowercase()),
        None => text.to_owned(),
    }
}

/// A character as an address contains it.
fn encoded(character: char) -> String {
    character.encode_utf8(&mut [0; 4]).bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// An address of files with its path right after the scheme. A host other than this one is an error: taken as a folder, it would be empty.
fn without_host(text: &str) -> Result<String, InvalidMirror> {
    let found = ["file", "copy"].iter().find_map(|scheme| Some((scheme, text.strip_prefix(scheme)?.strip_prefix("://")?)));
    let Some((scheme, rest)) = found else { return Ok(text.to_owned()) };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match host {
        "" | "localhost" => Ok(format!("{scheme}:{path}")),
        host => Err(InvalidMirror::OtherMachine { text: text.to_owned(), host: host.to_owned() }),
    }
}

/// Whether an address without its scheme begins with a host, and perhaps a port that exists.
fn has_host(address: &str) -> bool {
    let authority = address.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    match host.rsplit_once(':').filter(|(_, port)| !port.contains(']')) {
        Some((host, port)) => !host.is_empty() && port.parse::<u16>().is_ok(),
        None => !host.is_empty(),
    }
}

impl fmt::Display for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_passwords(&self.0))
    }
}

/// The Debian archive: mirrors of the archive itself and of its security updates, best first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Archive {
    /// Mirrors that serve Debian's `main`.
    pub main: Vec<Mirror>,
    /// Mirrors that serve Debian's security updates; may be empty.
    pub security: Vec<Mirror>,
}

/// Debian's code names and the names of their roles. A repository whose suite is not among these is not Debian's.
const SUITES: [&str; 14] = [
    "buster",
    "bullseye",
    "bookworm",
    "trixie",
    "forky",
    "duke",
    "sid",
    "oldoldstable",
    "oldstable",
    "stable",
    "testing",
    "unstable",
    "experimental",
    "rc-buggy",
];

impl Archive {
    /// The archive that the user set, else the one of the host's apt configuration.
    ///
    /// # Errors
    /// When neither names one, or the setting is not an address.
    pub fn find(settings: &Settings) -> Result<Self, AptError> {
        let mut archive = Self::choose(&host_repositories(&settings.apt_folder)?, &|path| fs::read_to_string(path).ok());
        if let Some(text) = settings.debian_mirror.as_ref().filter(|text| !text.is_empty()) {
            archive.main = vec![text.parse().map_err(|source| AptError::BadSetting { source })?];
        }
        if archive.main.is_empty() { Err(AptError::NoArchive { folder: settings.apt_folder.clone() }) } else { Ok(archive) }
    }

    /// Selects Debian's repositories, likeliest first. `read` returns the text of a mirror list (apt-transport-mirror(1)).
    pub fn choose(repositories: &[Repository], read: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut ranked: Vec<&Repository> =
            repositories.iter().filter(|repository| repository.components.iter().any(|c| c == "main")).collect();
        ranked.sort_by_key(|repository| std::cmp::Reverse(likelihood(repository)));
        let mut archive = Self::default();
        for repository in ranked {
            let Some(is_security) = debian_suite(&repository.suite) else { continue };
            let list = if is_security { &mut archive.security } else { &mut archive.main };
            for mirror in addresses(&repository.uri, read) {
                if !list.contains(&mirror) {
                    list.push(mirror);
                }
            }
        }
        archive
    }
}

/// Whether a suite is Debian's, and if so, whether it is one of security updates.
fn debian_suite(suite: &str) -> Option<bool> {
    let plain = suite.trim_end_matches('/');
    if let Some(name) = plain.strip_suffix("-security").or_else(|| plain.strip_suffix("/updates")) {
        return SUITES.contains(&name).then_some(true);
    }
    let name = ["-proposed-updates", "-updates", "-backports", "-backports-sloppy"]
        .iter()
        .find_map(|suffix| plain.strip_suffix(suffix))
        .unwrap_or(plain);
    SUITES.contains(&name).then_some(false)
}

/// Third parties also use names of Debian's suites, so repositories with Debian's keys, and with addresses like Debian's mirrors, come first.
fn likelihood(repository: &Repository) -> u8 {
    let is_signed = repository.signed_by.as_ref().is_some_and(|key| key.contains("debian-archive"));
    let has_the_name = repository.uri.trim_end_matches('/').rsplit('/').next().is_some_and(|last| last.starts_with("debian"));
    u8::from(is_signed) * 2 + u8::from(has_the_name)
}

fn addresses(uri: &str, read: &dyn Fn(&str) -> Option<String>) -> Vec<Mirror> {
    let Some(list) = uri.strip_prefix("mirror+file:") else { return uri.parse().into_iter().collect() };
    let path = list.strip_prefix("//").unwrap_or(list);
    let text = read(path).unwrap_or_default();
    text.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apt::{parse_deb822, parse_one_line};

    fn chosen(text: &str) -> (Vec<String>, Vec<String>) {
        let list = |path: &str| (path == "/etc/apt/mirrors/debian.list").then(|| "# x\nhttp://listed.test/debian\tpriority:1\n".to_owned());
        let archive = Archive::choose(&parse_one_line(text), &list);
        let show = |mirrors: &[Mirror]| mirrors.iter().map(ToString::to_string).collect();
        (show(&archive.main), show(&archive.security))
    }

    #[test]
    fn debian_is_told_from_others() {
        let third_parties = "deb http://vendor.test/apt bookworm main\ndeb http://ubuntu.test/ubuntu noble main\n";
        let debian = "deb http://a.test/debian/ bookworm main\ndeb http://a.test/debian bookworm-updates main\n\
            deb http://s.test/debian-security bookworm-security main\n";
        assert_eq!(
            chosen(&format!("{third_parties}{debian}")),
            (vec!["http://a.test/debian".into(), "http://vendor.test/apt".into()], vec!["http://s.test/debian-security".into()])
        );
        assert_eq!(chosen("deb http://u.test/ubuntu noble main\ndeb http://u.test/debian trixie contrib\n"), (vec![], vec![]));
        assert_eq!(chosen("deb http://o.test/debian-security buster/updates main\n").1, ["http://o.test/debian-security"]);
        assert_eq!(chosen("deb mirror+file:/etc/apt/mirrors/debian.list trixie main\n").0, ["http://listed.test/debian"]);
        assert_eq!(chosen("deb cdrom:[x]/ trixie main\ndeb file:///srv/debian/ sid main\n").0, ["file:/srv/debian"]);
    }

    #[test]
    fn a_repository_signed_by_debian_comes_first() {
        let text = "Types: deb\nURIs: http://vendor.test/debian\nSuites: trixie\nComponents: main\n\n\
            Types: deb\nURIs: http://cache.test/d\nSuites: trixie\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n";
        let archive = Archive::choose(&parse_deb822(text), &|_| None);
        assert_eq!(archive.main[0].to_string(), "http://cache.test/d");
    }

    #[test]
    fn addresses_are_checked() {
        assert_eq!("HTTPS://u:P@A.test/x".parse::<Mirror>().unwrap().address(), "https://u:P@A.test/x");
        for text in ["file:///srv/d/", "file:/srv/d", "file://localhost/srv/d", "copy:///srv/d"] {
            assert_eq!(text.parse::<Mirror>().unwrap().file("pool/x"), "copy:/srv/d/pool/x", "{text}");
        }
        let remote = "file://host/srv/d".parse::<Mirror>().unwrap_err().to_string();
        assert!(remote.starts_with("`file://host/srv/d` names the machine `host`") && remote.ends_with("file:///srv/kaon"), "{remote}");
        for bad in ["", "trixie", "ftp//x", "http://a b", "http://a\nb", "ssh://x", "http://", "http://a:99999/x", "https://u:p@:80/x"] {
            assert!(bad.parse::<Mirror>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_not_an_address_is_told_how_to_become_one() {
        for (text, expected) in [
            ("/srv/kaon", "`/srv/kaon` is a path, and an address is required: write `file:///srv/kaon`"),
            ("http://joe:SEC RET@a.test/x", "`http://***@a.test/x` contains ' ', which an address cannot: write it as `%20`"),
            ("joe:SECRET@a.test/x", "files cannot be fetched from `***@a.test/x`: an http, https or file URL is required"),
        ] {
            assert_eq!(text.parse::<Mirror>().unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        let mirror: Mirror = "https://user:pa:ss@a.test:8/debian/".parse().unwrap();
        assert_eq!(mirror.to_string(), "https://***@a.test:8/debian");
        assert_eq!(mirror.file("x"), "https://user:pa:ss@a.test:8/debian/x");
    }
}
