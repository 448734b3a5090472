//! What an OpenPGP public key says of itself.

use std::io::Cursor;

use pgp::composed::{Deserializable as _, SignedPublicKey};
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
