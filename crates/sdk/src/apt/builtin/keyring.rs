//! The keys that indexes must be signed with: the project's copy of the archive's keys.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use pgp::composed::{CleartextSignedMessage, Deserializable as _, DetachedSignature, SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Signature, SignatureType};
use pgp::types::{KeyDetails as _, VerifyingKey};
use rpm_engine::key::KeyFacts;

use crate::apt::AptError;

/// Keys that are valid now.
pub struct Keyring {
    keys: Vec<SignedPublicKey>,
    now: u64,
}

/// Why a signature is not accepted.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// It is not a signed text, or the signature cannot be read.
    #[error("it is not signed: {reason}")]
    NotSigned {
        /// Why not.
        reason: String,
    },
    /// No key of the keyring signed it.
    #[error("none of the keys in the keyring signed it; it is signed by {}", issuers.join(", "))]
    Stranger {
        /// Identities of the keys that signed it.
        issuers: Vec<String>,
    },
    /// The signature of a key of the keyring does not match.
    #[error("its signature is invalid: it was changed after it was signed")]
    Wrong,
}

/// The end of a block of keys in ASCII armour.
const END: &str = "-----END PGP PUBLIC KEY BLOCK-----";

impl Keyring {
    /// Reads the keyring `path`: one or several blocks of keys in ASCII armour. Keys that are not valid at `now`, in seconds since 1970, are left out.
    ///
    /// # Errors
    /// When it cannot be read, or has no valid key.
    pub fn read(path: &Path, now: u64) -> Result<Self, AptError> {
        let text = fs::read_to_string(path).map_err(|source| AptError::io("read", path, source))?;
        let mut keys = Vec::new();
        for block in text.split_inclusive(END).filter(|block| block.contains(END)) {
            let read = SignedPublicKey::from_armor_many(Cursor::new(block)).and_then(|(keys, _)| keys.collect::<Result<Vec<_>, _>>());
            keys.extend(read.map_err(|error| AptError::Keyring { path: path.to_owned(), reason: error.to_string() })?);
        }
        keys.retain(|key| KeyFacts::of(key, now).is_ok());
        match keys.is_empty() {
            true => Err(AptError::Keyring { path: path.to_owned(), reason: "it has no valid key".into() }),
            false => Ok(Self { keys, now }),
        }
    }

    /// The text of a clear-signed document (RFC 9580, section 7), in the signed form.
    ///
    /// # Errors
    /// When no key of the keyring signed it.
    pub fn signed_text(&self, document: &str) -> Result<String, SignatureError> {
        let (message, _) = CleartextSignedMessage::from_string(document).map_err(not_signed)?;
        // Line endings are part of the signed text; the signed form uses other ones than the document.
        let signed = message.signed_text();
        self.check(message.signatures(), signed.as_bytes())?;
        Ok(signed.replace("\r\n", "\n"))
    }

    /// Checks a document against its detached signatures, in ASCII armour.
    ///
    /// # Errors
    /// When no key of the keyring signed it.
    pub fn check_detached(&self, document: &[u8], signatures: &str) -> Result<(), SignatureError> {
        let (all, _) = DetachedSignature::from_armor_many(Cursor::new(signatures)).map_err(not_signed)?;
        let all = all.map(|one| one.map(|one| one.signature)).collect::<Result<Vec<_>, _>>().map_err(not_signed)?;
        self.check(&all, document)
    }

    fn check(&self, signatures: &[Signature], document: &[u8]) -> Result<(), SignatureError> {
        if signatures.iter().any(|signature| self.is_good(signature, document)) {
            return Ok(());
        }
        if signatures.iter().any(|signature| self.keys.iter().any(|key| is_issuer(key, signature))) {
            return Err(SignatureError::Wrong);
        }
        let by_fingerprint =
            |signature: &Signature| signature.issuer_fingerprint().into_iter().map(|issuer| format!("{issuer:X}")).collect::<Vec<_>>();
        let issuers: Vec<String> = signatures.iter().flat_map(by_fingerprint).collect();
        match issuers.is_empty() {
            true => Err(SignatureError::NotSigned { reason: "no signature identifies a key".into() }),
            false => Err(SignatureError::Stranger { issuers }),
        }
    }

    fn is_good(&self, signature: &Signature, document: &[u8]) -> bool {
        let is_of_a_document = matches!(signature.typ(), Some(SignatureType::Binary | SignatureType::Text));
        let is_strong = matches!(signature.hash_alg(), Some(HashAlgorithm::Sha256 | HashAlgorithm::Sha384 | HashAlgorithm::Sha512));
        let lasts = signature.signature_expiration_time().map(|time| u64::from(time.as_secs())).filter(|lasts| *lasts > 0);
        let made = signature.created().map_or(0, |time| u64::from(time.as_secs()));
        let is_current = lasts.is_none_or(|lasts| made + lasts > self.now);
        is_of_a_document && is_strong && is_current && self.keys.iter().any(|key| self.has_signed(key, signature, document))
    }

    fn has_signed(&self, key: &SignedPublicKey, signature: &Signature, document: &[u8]) -> bool {
        let mut subkeys = key.public_subkeys.iter().filter(|subkey| self.may_sign(subkey));
        verifies(signature, &key.primary_key, document) || subkeys.any(|subkey| verifies(signature, &subkey.key, document))
    }

    /// Whether a subkey, whose binding signatures were checked, is for signing, not revoked and not expired.
    fn may_sign(&self, subkey: &SignedPublicSubKey) -> bool {
        let is_revoked = subkey.signatures.iter().any(|signature| signature.typ() == Some(SignatureType::SubkeyRevocation));
        let newest = subkey.signatures.iter().max_by_key(|signature| signature.created().map(|time| time.as_secs()));
        let Some(binding) = newest.filter(|_| !is_revoked) else { return false };
        let lasts = binding.key_expiration_time().map(|time| u64::from(time.as_secs())).filter(|lasts| *lasts > 0);
        binding.key_flags().sign() && lasts.is_none_or(|lasts| u64::from(subkey.key.created_at().as_secs()) + lasts > self.now)
    }
}

fn verifies(signature: &Signature, key: &impl VerifyingKey, document: &[u8]) -> bool {
    signature.verify(key, document).is_ok()
}

fn is_issuer(key: &SignedPublicKey, signature: &Signature) -> bool {
    let fingerprints = std::iter::once(key.fingerprint()).chain(key.public_subkeys.iter().map(|subkey| subkey.key.fingerprint()));
    let ids = std::iter::once(key.legacy_key_id()).chain(key.public_subkeys.iter().map(|subkey| subkey.key.legacy_key_id()));
    let by_fingerprint = fingerprints.into_iter().any(|one| signature.issuer_fingerprint().contains(&&one));
    by_fingerprint || ids.into_iter().any(|one| signature.issuer_key_id().contains(&&one))
}

fn not_signed(error: pgp::errors::Error) -> SignatureError {
    SignatureError::NotSigned { reason: error.to_string() }
}
