//! The builder's key for statements about images: ECDSA on P-256 with SHA-256, which tools for such statements verify, while none verifies OpenPGP.
//!
//! Signatures are deterministic (RFC 6979).

use std::path::Path;

use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use p256::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, LineEnding};

use super::{KeyFile, PublicKey, SignError};

/// The file in the directory of keys, PKCS #8 in PEM.
const KEY_FILE: &str = "provenance.key";

/// The builder's key for statements.
pub struct StatementKey {
    key: SigningKey,
    public: PublicKey,
}

impl StatementKey {
    /// The key in the directory `folder`; if there is none yet, it is created. Concurrent builders create only one.
    ///
    /// # Errors
    /// When the directory or file cannot be used, or the file contains no such key.
    pub fn open_or_create(folder: &Path) -> Result<Self, SignError> {
        let file = KeyFile::new(folder, KEY_FILE);
        file.open_or_create(
            |text| Self::parse(text, &file),
            || {
                let key = SigningKey::random(&mut rand::rngs::OsRng);
                let text = key.to_pkcs8_pem(LineEnding::LF).map_err(|error| file.unusable(error.to_string()))?;
                Ok(text.to_string())
            },
        )
    }

    /// The public key, SubjectPublicKeyInfo in PEM: for `openssl` and `cosign`.
    pub fn public_pem(&self) -> &str {
        self.public.pem()
    }

    /// The public key.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The key's name in envelopes: SHA-256 of the public key in DER.
    pub fn id(&self) -> String {
        self.public.id().hex()
    }

    /// A signature over `bytes`, in DER.
    ///
    /// # Errors
    /// When signing fails.
    pub fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, SignError> {
        let signature: Signature = self.key.try_sign(bytes).map_err(SignError::Statement)?;
        Ok(signature.to_der().as_bytes().to_vec())
    }

    fn parse(text: &str, file: &KeyFile) -> Result<Self, SignError> {
        let key = SigningKey::from_pkcs8_pem(text);
        Self::from_key(key.map_err(|error| file.unusable(format!("it is not a P-256 key in PKCS #8: {error}")))?, file)
    }

    fn from_key(key: SigningKey, file: &KeyFile) -> Result<Self, SignError> {
        let public = PublicKey::new(VerifyingKey::from(&key)).map_err(|error| file.unusable(error.to_string()))?;
        Ok(Self { key, public })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_key_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = [(), ()].map(|()| StatementKey::open_or_create(folder.path()).unwrap());
        assert_eq!((first.public_pem(), first.id()), (second.public_pem(), second.id()));
        assert!(first.public_pem().starts_with("-----BEGIN PUBLIC KEY-----\n"));
        fs::write(folder.path().join(KEY_FILE), "x").unwrap();
        assert!(matches!(StatementKey::open_or_create(folder.path()), Err(SignError::Unusable { .. })));
    }

    /// RFC 6979, A.2.5: P-256, SHA-256, "sample".
    #[test]
    fn signatures_are_those_of_rfc_6979() {
        let secret = hex::decode("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721").unwrap();
        let key = StatementKey::from_key(SigningKey::from_slice(&secret).unwrap(), &KeyFile::new(Path::new("x"), KEY_FILE)).unwrap();
        let expected = "3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716\
                        022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";
        let signature = key.sign(b"sample").unwrap();
        assert_eq!(hex::encode(&signature), expected);
        assert!(key.public().verifies(b"sample", &signature) && !key.public().verifies(b"simple", &signature));
    }
}
