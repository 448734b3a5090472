//! The builder's OpenPGP key, which signs packages and repository metadata. Statements about images have a separate key.
//!
//! The key is RSA, which every `rpm`, `dnf` and `tdnf` in use verifies, with SHA-256. Signatures are dated
//! [`SOURCE_DATE_EPOCH`] and deterministic.

mod envelope;
mod error;
mod generate;
mod key_file;
mod package;
mod public_key;
mod refused;
mod statement;

use std::path::{Path, PathBuf};

use pgp::composed::{ArmorOptions, Deserializable as _, DetachedSignature, SignedSecretKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Signature, SignatureConfig, SignatureType, Subpacket, SubpacketData};
use pgp::types::{KeyDetails as _, KeyVersion, Password, Timestamp};

pub use envelope::{Envelope, IN_TOTO, encoded, seal, with_signatures_of};
pub use error::SignError;
pub use key_file::KeyFile;
pub use public_key::{NotAKey, PublicKey};
pub use statement::StatementKey;

use base::epoch::SOURCE_DATE_EPOCH;

/// The file in the directory of keys that contains the secret key.
const KEY_FILE: &str = "packages.key";

/// The builder's key.
pub struct Keys {
    key: SignedSecretKey,
    public: String,
}

impl Keys {
    /// The key in the directory `folder`; if there is none yet, it is created. Concurrent builders create only one.
    ///
    /// # Errors
    /// When the directory or file cannot be used, or the file contains no key that can sign packages.
    pub fn open_or_create(folder: &Path) -> Result<Self, SignError> {
        let file = KeyFile::new(folder, KEY_FILE);
        file.open_or_create(
            |text| Self::parse(text, &file),
            || {
                let key = generate::key(generate::KEY_BITS).map_err(SignError::Generate)?;
                key.to_armored_string(ArmorOptions::default()).map_err(SignError::Generate)
            },
        )
    }

    /// The public key, in ASCII armour: for `rpm --import`.
    pub fn public(&self) -> &str {
        &self.public
    }

    /// The key's fingerprint, in uppercase hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        hex::encode_upper(self.key.primary_key.fingerprint().as_bytes())
    }

    /// A detached signature over `bytes`, in ASCII armour.
    ///
    /// # Errors
    /// When the key fails to sign.
    pub fn detached(&self, bytes: &[u8]) -> Result<String, SignError> {
        let signature = DetachedSignature::new(self.signature(bytes)?);
        signature.to_armored_string(ArmorOptions::default()).map_err(SignError::Sign)
    }

    /// A signature over `bytes`, according to RFC 9580.
    fn signature(&self, bytes: &[u8]) -> Result<Signature, SignError> {
        let key = &self.key.primary_key;
        let sign = || -> pgp::errors::Result<Signature> {
            let mut config = SignatureConfig::v4(SignatureType::Binary, key.algorithm(), HashAlgorithm::Sha256);
            config.hashed_subpackets = vec![
                Subpacket::regular(SubpacketData::SignatureCreationTime(Timestamp::from_secs(SOURCE_DATE_EPOCH)))?,
                Subpacket::regular(SubpacketData::IssuerFingerprint(key.fingerprint()))?,
                Subpacket::regular(SubpacketData::IssuerKeyId(key.legacy_key_id()))?,
            ];
            config.sign(key, &Password::empty(), bytes)
        };
        sign().map_err(SignError::Sign)
    }

    fn parse(text: &str, file: &KeyFile) -> Result<Self, SignError> {
        let (key, _) = SignedSecretKey::from_string(text).map_err(|error| file.unusable(error.to_string()))?;
        key.verify_bindings().map_err(|error| file.unusable(error.to_string()))?;
        Self::from_key(key, file)
    }

    fn from_key(key: SignedSecretKey, file: &KeyFile) -> Result<Self, SignError> {
        let primary = &key.primary_key;
        if primary.version() != KeyVersion::V4 {
            return Err(file.unusable("it is not a version 4 key, which is what RPM verifies"));
        }
        if primary.created_at().as_secs() > SOURCE_DATE_EPOCH {
            return Err(file.unusable(format!("it is newer than the time of signatures, {SOURCE_DATE_EPOCH}")));
        }
        if let Some(reason) = refused::reason(&key) {
            return Err(file.unusable(reason.to_string()));
        }
        let public = key.to_public_key().to_armored_string(ArmorOptions::default());
        let public = public.map_err(|error| file.unusable(error.to_string()))?;
        let keys = Self { key, public };
        // Detects a key that cannot sign now, and not after an hour of building.
        keys.signature(b"probe")
            .map_err(|error| file.unusable(std::error::Error::source(&error).map_or_else(String::new, ToString::to_string)))?;
        Ok(keys)
    }
}

/// The path of the key in the directory `folder`.
pub fn key_path(folder: &Path) -> PathBuf {
    folder.join(KEY_FILE)
}

#[cfg(test)]
mod tests;
