//! Passes credentials of addresses to apt in a file, because every user of a machine can read a program's arguments.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::download::{decoded, host};
use base::address::public;

/// The host's own credentials (apt_auth.conf(5)). Apt also reads those in `auth.conf.d`.
const OF_HOST: &str = "/etc/apt/auth.conf";

/// A file of credentials that vanishes when dropped.
pub(super) struct Netrc(PathBuf);

impl Netrc {
    /// Writes the credentials in `uris`, followed by those of the host, to the new file `path`, which only its owner can read. `None` if no
    /// address has credentials.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write<'a>(path: &Path, uris: impl Iterator<Item = &'a str>) -> io::Result<Option<Self>> {
        let mut text = String::new();
        for entry in uris.filter_map(entry) {
            if !text.contains(&entry) {
                let _ = writeln!(text, "{entry}");
            }
        }
        if text.is_empty() {
            return Ok(None);
        }
        // If this process cannot read it, neither can apt.
        text.push_str(&fs::read_to_string(OF_HOST).unwrap_or_default());
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        let written = Self(path.to_owned());
        file.write_all(text.as_bytes())?;
        Ok(Some(written))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Netrc {
    fn drop(&mut self) {
        // If this fails, it is removed with its scratch directory.
        let _ = fs::remove_file(&self.0);
    }
}

/// Whether addresses have credentials that such a file cannot contain: blanks separate words, and a host has only one user.
pub(super) fn are_beyond<'a>(uris: impl Iterator<Item = &'a str>) -> bool {
    let is_word = |text: &str| !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '#');
    let mut users = BTreeMap::new();
    uris.filter_map(|uri| Some((uri, credentials(uri)?))).any(|(uri, one)| {
        let is_odd = !is_word(&one.0) || !is_word(&one.1);
        is_odd || *users.entry(host(&public(uri)).to_owned()).or_insert_with(|| one.clone()) != one
    })
}

/// `machine SCHEME://HOST login USER password PASSWORD`. Without the path, which apt encodes in its own way before comparing.
fn entry(uri: &str) -> Option<String> {
    let (user, password) = credentials(uri)?;
    Some(format!("machine {} login {user} password {password}", host(&public(uri))))
}

/// User and password of an address, without its percent-encoding.
pub fn credentials(uri: &str) -> Option<(String, String)> {
    let open = public(uri);
    let (scheme, rest) = open.split_once("://")?;
    let given = uri.strip_prefix(scheme)?.strip_prefix("://")?.strip_suffix(rest)?.strip_suffix('@')?;
    let (user, password) = given.split_once(':').unwrap_or((given, ""));
    Some((decoded(user), decoded(password)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn credentials_go_to_a_file_of_the_user_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("auth.conf");
        let uris = ["http://me:s%3ecret@a.test:8/x/y.deb", "http://b.test/x", "copy:/srv/x"];
        let file = Netrc::write(&path, uris.into_iter()).unwrap().unwrap();
        let text = fs::read_to_string(file.path()).unwrap();
        assert!(text.starts_with("machine http://a.test:8 login me password s>cret\n"), "{text}");
        assert!(!text.contains("b.test"), "{text}");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        drop(file);
        assert!(!path.exists());
        assert!(Netrc::write(&path, ["http://b.test/x"].into_iter()).unwrap().is_none());
    }

    #[test]
    fn credentials_that_netrc_cannot_contain_are_detected() {
        for (uris, beyond) in [
            (&["http://a.test/x@y"][..], false),
            (&["http://me:secret@a.test/x", "http://me:secret@a.test/y", "http://me:other@b.test/x"], false),
            (&["http://me:secret@a.test/x", "http://you:secret@a.test/y"], true),
            (&["http://me:two%20words@a.test/x"], true),
            (&["http://me@a.test/x"], true),
            (&["http://me:a%23b@a.test/x"], true),
        ] {
            assert_eq!(are_beyond(uris.iter().copied()), beyond, "{uris:?}");
        }
    }
}
