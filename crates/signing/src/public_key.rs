//! Public keys of builders, to verify statements.

use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::pkcs8::{DecodePublicKey as _, EncodePublicKey as _, LineEnding};

use base::digest::Digest;

/// The public half of a builder's key for statements: ECDSA on P-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    key: VerifyingKey,
    pem: String,
    id: Digest,
}

/// A text that is not a public key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a P-256 public key in PEM")]
pub struct NotAKey;

impl PublicKey {
    /// Reads a key: SubjectPublicKeyInfo in PEM, as written by `openssl` and `cosign`.
    ///
    /// # Errors
    /// When the text is not such a key.
    pub fn from_pem(text: &str) -> Result<Self, NotAKey> {
        Self::new(VerifyingKey::from_public_key_pem(text.trim()).map_err(|_| NotAKey)?)
    }

    pub(super) fn new(key: VerifyingKey) -> Result<Self, NotAKey> {
        let der = key.to_public_key_der().map_err(|_| NotAKey)?;
        let pem = key.to_public_key_pem(LineEnding::LF).map_err(|_| NotAKey)?;
        Ok(Self { key, pem, id: Digest::of_bytes(der.as_bytes()) })
    }

    /// The key in PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The key's name: SHA-256 of the key in DER.
    pub fn id(&self) -> Digest {
        self.id
    }

    /// Whether `signature`, in DER, is a signature of this key over `bytes`.
    pub fn verifies(&self, bytes: &[u8], signature: &[u8]) -> bool {
        Signature::from_der(signature).is_ok_and(|signature| self.key.verify(bytes, &signature).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let key = crate::StatementKey::open_or_create(folder.path()).unwrap();
        let read = PublicKey::from_pem(&format!("\n{}\n\n", key.public_pem())).unwrap();
        assert_eq!((&read, read.pem(), read.id().hex()), (key.public(), key.public_pem(), key.id()));
        for text in ["", "x", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"] {
            assert_eq!(PublicKey::from_pem(text), Err(NotAKey), "{text}");
        }
    }
}
