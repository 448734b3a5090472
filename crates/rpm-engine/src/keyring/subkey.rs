//! Subkeys that sign in place of their primary key: each may be revoked, expired or not meant for signatures while the primary key is good.

use pgp::composed::{SignedPublicKey, SignedPublicSubKey};
use pgp::packet::{KeyFlags, Signature, SignatureType};
use pgp::types::{KeyDetails as _, Timestamp};

use super::KeyError;

/// The moment at which a subkey that has an expiry time must still be valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValidAt {
    /// When the signature was made, as it says itself: what was signed once stays valid.
    Signing,
    /// At this time, in seconds since 1970.
    Time(u64),
}

/// Checks the subkeys that `signature` names as its issuers. The bindings of `keys` must have been verified before. A file of keys may have
/// several states of one key: a revocation in any of them counts, and otherwise the newest binding.
pub(super) fn check(keys: &[SignedPublicKey], signature: &Signature, valid_at: ValidAt) -> Result<(), KeyError> {
    for issuer in signature.issuer_fingerprint() {
        let all = keys.iter().flat_map(|key| key.public_subkeys.iter().map(move |subkey| (key, subkey)));
        let states: Vec<_> = all.filter(|(_, subkey)| subkey.fingerprint() == *issuer).collect();
        if states.is_empty() {
            continue;
        }
        let fingerprint = format!("{issuer:X}");
        let signatures =
            || states.iter().flat_map(|(key, subkey)| subkey.signatures.iter().map(move |signature| (*key, *subkey, signature)));
        if signatures().any(|(_, _, one)| one.typ() == Some(SignatureType::SubkeyRevocation)) {
            return Err(KeyError::SubkeyRevoked { fingerprint });
        }
        let newest = signatures().max_by_key(|(_, _, binding)| seconds(binding.created()));
        let Some((_, subkey, binding)) = newest.filter(|(key, subkey, binding)| may_sign(key, subkey, binding)) else {
            return Err(KeyError::SubkeyNotForSigning { fingerprint });
        };
        let moment = match valid_at {
            ValidAt::Signing => seconds(signature.created()),
            ValidAt::Time(now) => Some(now),
        };
        if expires(subkey, binding).is_some_and(|expires| moment.is_none_or(|moment| expires <= moment)) {
            return Err(KeyError::SubkeyExpired { fingerprint });
        }
    }
    Ok(())
}

/// Whether a subkey is for signatures and agreed itself to belong to the key (RFC 9580, section 5.2.1.8): otherwise anybody could adopt the
/// subkey of somebody else.
fn may_sign(key: &SignedPublicKey, subkey: &SignedPublicSubKey, binding: &Signature) -> bool {
    // A key without flags is for everything.
    let is_for_it = binding.key_flags().sign() || binding.key_flags() == KeyFlags::default();
    let agreed = |back: &Signature| back.verify_primary_key_binding(&subkey.key, &key.primary_key).is_ok();
    is_for_it && binding.embedded_signature().is_some_and(agreed)
}

/// When a subkey expires, in seconds since 1970.
fn expires(subkey: &SignedPublicSubKey, binding: &Signature) -> Option<u64> {
    let lasts = binding.key_expiration_time().map(|time| u64::from(time.as_secs())).filter(|lasts| *lasts > 0);
    lasts.map(|lasts| u64::from(subkey.created_at().as_secs()) + lasts)
}

fn seconds(time: Option<Timestamp>) -> Option<u64> {
    time.map(|time| u64::from(time.as_secs()))
}

#[cfg(test)]
mod tests;
