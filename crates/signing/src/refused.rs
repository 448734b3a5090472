//! Detects keys whose signatures `rpm`, `dnf` and `tdnf` refuse, or that this builder cannot use.

use std::fmt;

use pgp::composed::{SignedKeyDetails, SignedSecretKey};
use pgp::packet::{Signature, SignatureType};
use pgp::ser::Serialize as _;
use pgp::types::{KeyDetails as _, PublicParams, Timestamp};

use base::epoch::SOURCE_DATE_EPOCH;

/// The smallest modulus that clients accept, in bits: the default policy of Sequoia, which RPM verifies with, and of Fedora's `crypto-policies`.
const LEAST_RSA_BITS: u16 = 2048;

/// Why packages cannot be signed with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// The secret part is encrypted, and the builder cannot ask for a passphrase.
    Passphrase,
    /// The owner revoked it.
    Revoked,
    /// It expired before the date of signatures: at this time, in seconds since the epoch.
    Expired(u64),
    /// Its RSA modulus is too short: its size in bits.
    Short(u16),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passphrase => f.write_str("it has a passphrase, which nobody can type during a build"),
            Self::Revoked => f.write_str("it was revoked, and clients refuse what it signs"),
            Self::Expired(at) => write!(f, "it expired at {at}, before the time signatures bear, {SOURCE_DATE_EPOCH}: clients refuse them"),
            Self::Short(bits) => write!(f, "it is an RSA key of {bits} bits, and clients refuse less than {LEAST_RSA_BITS}"),
        }
    }
}

/// Why packages cannot be signed with `key`, whose own signatures were verified; `None` if they can.
pub(super) fn reason(key: &SignedSecretKey) -> Option<Reason> {
    let primary = &key.primary_key;
    if primary.secret_params().is_encrypted() {
        return Some(Reason::Passphrase);
    }
    if !key.details.revocation_signatures.is_empty() {
        return Some(Reason::Revoked);
    }
    if let Some(at) = expiry(&key.details, primary.created_at()).filter(|at| *at <= u64::from(SOURCE_DATE_EPOCH)) {
        return Some(Reason::Expired(at));
    }
    match primary.public_params() {
        PublicParams::RSA(public) => modulus_bits(&public.to_bytes().ok()?).filter(|bits| *bits < LEAST_RSA_BITS).map(Reason::Short),
        _ => None,
    }
}

/// The size of the modulus in an RSA key's public part. It is the first number there, and numbers start with their size in bits (RFC 9580, 3.2).
fn modulus_bits(public: &[u8]) -> Option<u16> {
    public.first_chunk().map(|bits| u16::from_be_bytes(*bits))
}

/// When the key expires, in seconds since the epoch: according to its newest self-signature (RFC 9580, 5.2.3.13).
fn expiry(details: &SignedKeyDetails, created: Timestamp) -> Option<u64> {
    let of_users = details.users.iter().flat_map(|user| &user.signatures);
    let is_binding = |signature: &&Signature| signature.typ() != Some(SignatureType::CertRevocation);
    let newest = details.direct_signatures.iter().chain(of_users).filter(is_binding).max_by_key(|signature| signature.created())?;
    let lifetime_s = newest.key_expiration_time().map_or(0, |lifetime| u64::from(lifetime.as_secs()));
    (lifetime_s != 0).then(|| u64::from(created.as_secs()) + lifetime_s)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use pgp::composed::ArmorOptions;
    use pgp::crypto::hash::HashAlgorithm;
    use pgp::packet::{PacketTrait as _, SignatureConfig, Subpacket, SubpacketData};
    use pgp::types::{Duration, Password};

    use super::*;
    use crate::{KeyFile, Keys, SignError, generate};

    /// The configuration of a self-signature with these additional statements.
    fn config(key: &SignedSecretKey, kind: SignatureType, statements: &[SubpacketData]) -> SignatureConfig {
        let primary = &key.primary_key;
        let own = [SubpacketData::SignatureCreationTime(primary.created_at()), SubpacketData::IssuerFingerprint(primary.fingerprint())];
        let mut config = SignatureConfig::v4(kind, primary.algorithm(), HashAlgorithm::Sha256);
        config.hashed_subpackets = own.iter().chain(statements).map(|data| Subpacket::regular(data.clone()).unwrap()).collect();
        config
    }

    /// A key that is valid for this many seconds, or for ever.
    fn lasting(lifetime_s: u32) -> SignedSecretKey {
        let mut key = generate::key(2048).unwrap();
        let config = config(&key, SignatureType::CertPositive, &[SubpacketData::KeyExpirationTime(Duration::from_secs(lifetime_s))]);
        let user = &key.details.users[0].id;
        let signature =
            config.sign_certification(&key.primary_key, &key.primary_key.public_key(), &Password::empty(), user.tag(), user).unwrap();
        key.details.users[0].signatures = vec![signature];
        key
    }

    fn revoked() -> SignedSecretKey {
        let mut key = generate::key(2048).unwrap();
        let config = config(&key, SignatureType::KeyRevocation, &[]);
        let signature = config.sign_key(&key.primary_key, &Password::empty(), &key.primary_key.public_key()).unwrap();
        key.details.revocation_signatures.push(signature);
        key
    }

    fn locked() -> SignedSecretKey {
        let mut key = generate::key(2048).unwrap();
        key.primary_key.set_password(rand::rngs::OsRng, &Password::from("secret")).unwrap();
        key
    }

    #[test]
    fn keys_that_clients_refuse_are_refused_when_they_are_opened() {
        let created = generate::key(2048).unwrap().primary_key.created_at().as_secs();
        let until = SOURCE_DATE_EPOCH - created;
        for (key, expected) in [
            (locked(), Some(Reason::Passphrase)),
            (revoked(), Some(Reason::Revoked)),
            (lasting(until), Some(Reason::Expired(SOURCE_DATE_EPOCH.into()))),
            (lasting(until + 1), None),
            (lasting(0), None),
            (generate::key(1024).unwrap(), Some(Reason::Short(1024))),
            (generate::key(2048).unwrap(), None),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let file = KeyFile::new(folder.path(), "packages.key");
            let text = key.to_armored_string(ArmorOptions::default()).unwrap();
            let opened = file.open_or_create(|text| Keys::parse(text, &file), || Ok::<_, SignError>(text.clone()));
            assert_eq!(fs::read_to_string(file.path()).unwrap(), text);
            let found = opened.err().map(|error| error.to_string());
            let expected = expected.map(|reason| format!("`{}` contains no key that can sign: {reason}", file.path().display()));
            assert_eq!(found, expected);
        }
    }
}
