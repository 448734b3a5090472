//! Generates a key.

use pgp::composed::{KeyType, SignedKeyDetails, SignedSecretKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::errors::Result;
use pgp::packet::{
    Features, KeyFlags, PacketTrait as _, PubKeyInner, PublicKey, SecretKey, SignatureConfig, SignatureType, Subpacket, SubpacketData,
    UserId,
};
use pgp::types::{KeyDetails as _, KeyVersion, PacketHeaderVersion, Password, Timestamp};

/// Size of the key's modulus, in bits: the default of `gpg`, comparable to 128-bit ciphers.
pub(super) const KEY_BITS: u32 = 3072;

/// The creation time in keys, 2025-01-01T00:00:00Z in seconds since the epoch: before any signature, whatever the host's clock says.
const CREATED: u32 = 1_735_689_600;

/// The user ID of the key.
const USER: &str = "Kaon packages";

/// A new RSA key with `bits` bits, which certifies itself and signs.
///
/// The library's generator would date the self-signature with the host's clock, after the signatures of packages, and verifiers would
/// consider the key not yet valid when it signed them. So the certificate is assembled here.
pub(super) fn key(bits: u32) -> Result<SignedSecretKey> {
    let kind = KeyType::Rsa(bits);
    let (public, secret) = kind.generate(rand::rngs::OsRng)?;
    let created = Timestamp::from_secs(CREATED);
    let public = PublicKey::from_inner(PubKeyInner::new(KeyVersion::V4, kind.to_alg(), created, None, public)?)?;
    let key = SecretKey::new(public.clone(), secret)?;
    let user = UserId::from_str(PacketHeaderVersion::New, USER)?;

    let mut flags = KeyFlags::default();
    flags.set_certify(true);
    flags.set_sign(true);
    let mut certification = SignatureConfig::v4(SignatureType::CertPositive, key.algorithm(), HashAlgorithm::Sha256);
    certification.hashed_subpackets = vec![
        Subpacket::regular(SubpacketData::SignatureCreationTime(created))?,
        Subpacket::regular(SubpacketData::IssuerFingerprint(key.fingerprint()))?,
        Subpacket::regular(SubpacketData::KeyFlags(flags))?,
        Subpacket::regular(SubpacketData::Features(Features::default()))?,
        Subpacket::regular(SubpacketData::IsPrimary(true))?,
    ];
    certification.unhashed_subpackets = vec![Subpacket::regular(SubpacketData::IssuerKeyId(key.legacy_key_id()))?];
    let signature = certification.sign_certification(&key, &public, &Password::empty(), user.tag(), &user)?;
    let details = SignedKeyDetails::new(Vec::new(), Vec::new(), vec![user.into_signed(signature)], Vec::new());
    Ok(SignedSecretKey::new(key, details, Vec::new(), Vec::new()))
}
