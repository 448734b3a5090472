//! What an OpenPGP public key says of itself.

use std::io::Cursor;

use pgp::composed::{ArmorOptions, Deserializable as _, SignedPublicKey};
use pgp::types::KeyDetails as _;

/// The facts of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFacts {
    /// Its fingerprint, in uppercase hexadecimal.
    pub fingerprint: String,
    /// Whose it is, as it says itself.
    pub users: Vec<String>,
    /// When it ends, in seconds since 1970.
    pub expires: Option<u64>,
    /// Whether its owner took it back.
    pub revoked: bool,
}

/// Why a key is not taken.
#[derive(Debug, thiserror::Error)]
pub enum UnusableKey {
    /// There is no such file.
    #[error("there is no such file")]
    Missing,
    /// It is not a key.
    #[error("it is not an ASCII-armoured OpenPGP public key")]
    NotAKey(#[source] Box<pgp::errors::Error>),
    /// Its own signatures are wrong.
    #[error("the key {fingerprint} is not bound to its own names and subkeys")]
    Unbound {
        /// Which.
        fingerprint: String,
        /// Why.
        source: Box<pgp::errors::Error>,
    },
    /// Its time is over.
    #[error("the key {fingerprint} expired")]
    Expired {
        /// Which.
        fingerprint: String,
    },
    /// Its owner took it back.
    #[error("the key {fingerprint} was revoked by its owner")]
    Revoked {
        /// Which.
        fingerprint: String,
    },
}

/// A key that may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsableKey {
    /// What it says of itself.
    pub facts: KeyFacts,
    /// It alone, ASCII-armoured.
    pub armoured: String,
}

impl UsableKey {
    /// Each key of all the armoured blocks in a text, as `cat old.asc new.asc` makes them, by itself: one that is not valid at `now` (seconds
    /// since 1970) says nothing of the others. A text without a block has none.
    pub fn each(text: &str, now: u64) -> Vec<Result<Self, UnusableKey>> {
        let wrong = |source| UnusableKey::NotAKey(Box::new(source));
        let usable = |key: Result<SignedPublicKey, pgp::errors::Error>| {
            let key = key.map_err(wrong)?;
            let facts = facts(&key, now)?;
            Ok(Self { facts, armoured: key.to_armored_string(ArmorOptions::default()).map_err(wrong)? })
        };
        let mut all = Vec::new();
        for block in blocks(text, "PUBLIC KEY BLOCK") {
            match SignedPublicKey::from_armor_many(Cursor::new(block)) {
                Ok((keys, _)) => all.extend(keys.map(usable)),
                Err(source) => all.push(Err(wrong(source))),
            }
        }
        all
    }
}

/// The text of a file of keys: armour as it is there, or that of the keys in a binary file, as some vendors publish them.
pub fn armour_of(file: &[u8]) -> String {
    let text = String::from_utf8_lossy(file);
    if !blocks(&text, "PUBLIC KEY BLOCK").is_empty() {
        return text.into_owned();
    }
    let keys = SignedPublicKey::from_bytes_many(Cursor::new(file)).into_iter().flatten();
    let armoured: String = keys.filter_map(|key| key.ok()?.to_armored_string(ArmorOptions::default()).ok()).collect();
    if armoured.is_empty() { text.into_owned() } else { armoured }
}

/// The ASCII-armoured blocks of a kind in a text (RFC 9580, section 6.2), each with its first and last line.
pub(crate) fn blocks<'a>(text: &'a str, kind: &str) -> Vec<&'a str> {
    let (first, last) = (format!("-----BEGIN PGP {kind}-----"), format!("-----END PGP {kind}-----"));
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some(begin) = rest.find(&first) {
        let end = rest[begin..].find(&last).map_or(rest.len(), |end| begin + end + last.len());
        found.push(&rest[begin..end]);
        rest = &rest[end..];
    }
    found
}

impl KeyFacts {
    /// Reads one or several armoured keys and refuses those that are not valid at `now` (seconds since 1970).
    ///
    /// # Errors
    /// When a text contains no key, or one that is expired, revoked or not signed by itself.
    pub fn read(armoured: &str, now: u64) -> Result<Vec<Self>, UnusableKey> {
        let wrong = |source| UnusableKey::NotAKey(Box::new(source));
        let (keys, _) = SignedPublicKey::from_armor_many(Cursor::new(armoured)).map_err(wrong)?;
        let mut all = Vec::new();
        for key in keys {
            all.push(facts(&key.map_err(wrong)?, now)?);
        }
        if all.is_empty() { Err(wrong(pgp::errors::Error::NoMatchingPacket { backtrace: None })) } else { Ok(all) }
    }

    /// What `key` says of itself, refused if it is not valid at `now` (seconds since 1970).
    ///
    /// # Errors
    /// When it is expired, revoked or not signed by itself.
    pub fn of(key: &SignedPublicKey, now: u64) -> Result<Self, UnusableKey> {
        facts(key, now)
    }
}

fn facts(key: &SignedPublicKey, now: u64) -> Result<KeyFacts, UnusableKey> {
    let fingerprint = format!("{:X}", key.fingerprint());
    key.verify_bindings().map_err(|source| UnusableKey::Unbound { fingerprint: fingerprint.clone(), source: Box::new(source) })?;
    let revoked = key.details.revocation_signatures.iter().any(|signature| signature.verify_key(&key.primary_key).is_ok());
    if revoked {
        return Err(UnusableKey::Revoked { fingerprint });
    }
    // The newest self-signature says how long the key is good (RFC 9580, section 5.2.3.13).
    let of_users = key.details.users.iter().flat_map(|user| &user.signatures);
    let newest = of_users.chain(&key.details.direct_signatures).max_by_key(|signature| signature.created().map(|time| time.as_secs()));
    let lasts = newest.and_then(|signature| signature.key_expiration_time()).map(|time| u64::from(time.as_secs())).filter(|time| *time > 0);
    let expires = lasts.map(|lasts| u64::from(key.created_at().as_secs()) + lasts);
    if expires.is_some_and(|expires| expires <= now) {
        return Err(UnusableKey::Expired { fingerprint });
    }
    let users = key.details.users.iter().map(|user| String::from_utf8_lossy(user.id.id()).into_owned()).collect();
    Ok(KeyFacts { fingerprint, users, expires, revoked })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_of_a_text_counts() {
        let (test, other) = (testing::packages::KEY, testing::packages::OTHER_KEY);
        let broken = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n";
        let found = UsableKey::each(&format!("Keys:\n{test}{broken}{other}"), 1_767_225_600);
        assert_eq!(found.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
        for (found, text) in [(&found[0], test), (&found[2], other)] {
            let key = found.as_ref().unwrap();
            assert_eq!(KeyFacts::read(text, 1_767_225_600).unwrap(), std::slice::from_ref(&key.facts));
            assert_eq!(KeyFacts::read(&key.armoured, 1_767_225_600).unwrap(), std::slice::from_ref(&key.facts));
        }
        assert!(UsableKey::each("the keys of this distribution", 0).is_empty());
    }

    #[test]
    fn binary_files_are_read_too() {
        let armoured = testing::packages::KEY;
        let (key, _) = SignedPublicKey::from_string(armoured).unwrap();
        let binary = pgp::ser::Serialize::to_bytes(&key).unwrap();
        let found = UsableKey::each(&armour_of(&binary), 1_767_225_600);
        assert_eq!(found[0].as_ref().unwrap().facts, KeyFacts::read(armoured, 1_767_225_600).unwrap()[0]);
        for other in [armoured, "", "no key"] {
            assert_eq!(armour_of(other.as_bytes()), other);
        }
    }

    #[test]
    fn a_key_and_what_is_none() {
        let text = testing::packages::KEY;
        let facts = KeyFacts::read(text, 1_767_225_600).unwrap();
        assert_eq!(facts.len(), 1);
        assert_eq!(facts[0].fingerprint.len(), 40);
        assert!(!facts[0].users.is_empty());
        for bad in ["", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n", &text[..text.len() / 2]] {
            assert!(KeyFacts::read(bad, 0).is_err(), "{bad}");
        }
    }
}
