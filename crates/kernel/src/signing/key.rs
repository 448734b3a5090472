//! The key of kernel modules.

use std::path::Path;

use rsa::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, LineEnding};
use rsa::{Pkcs1v15Sign, RsaPrivateKey};
use sha2::{Digest as _, Sha512};
use x509_cert::Certificate;
use x509_cert::der::EncodePem as _;

use super::{SigningError, certificate};
use signing::KeyFile;

/// Size of the modulus, in bits: comparable to 128-bit ciphers, and the same as for package signatures.
const KEY_BITS: usize = 3072;

/// The file in the directory of keys, PKCS #8 in PEM.
const KEY_FILE: &str = "modules.key";

/// The builder's key for kernel modules, and the certificate that goes into the kernel.
pub struct ModuleKey {
    key: RsaPrivateKey,
    certificate: Certificate,
    pem: String,
}

impl ModuleKey {
    /// The key in the directory `folder`; if there is none yet, it is created. Concurrent builders create only one.
    ///
    /// # Errors
    /// When the directory or file cannot be used, or the file contains no such key.
    pub fn open_or_create(folder: &Path) -> Result<Self, SigningError> {
        let file = KeyFile::new(folder, KEY_FILE);
        file.open_or_create(
            |text| Self::parse(text, &file),
            || {
                let key = RsaPrivateKey::new(&mut rand::rngs::OsRng, KEY_BITS).map_err(SigningError::Generate)?;
                let text = key.to_pkcs8_pem(LineEnding::LF).map_err(|error| file.unusable(error.to_string()))?;
                Ok(text.to_string())
            },
        )
    }

    /// The certificate a kernel must contain to trust this key, in PEM. Equal keys have equal certificates.
    pub fn certificate_pem(&self) -> &str {
        &self.pem
    }

    pub(super) fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// A PKCS #1 v1.5 signature over the SHA-512 of `bytes`.
    pub(super) fn signature(&self, bytes: &[u8]) -> Result<Vec<u8>, SigningError> {
        sign(&self.key, bytes)
    }

    /// The key in the directory `folder`, if there is one.
    ///
    /// # Errors
    /// When the file cannot be used or contains no such key.
    pub fn open(folder: &Path) -> Result<Option<Self>, SigningError> {
        let file = KeyFile::new(folder, KEY_FILE);
        file.read()?.map(|text| Self::parse(&text, &file)).transpose()
    }

    fn parse(text: &str, file: &KeyFile) -> Result<Self, SigningError> {
        Self::from_key(RsaPrivateKey::from_pkcs8_pem(text).map_err(|error| file.unusable(error.to_string()))?)
    }

    fn from_key(key: RsaPrivateKey) -> Result<Self, SigningError> {
        let certificate = certificate::certificate(&key.to_public_key(), |bytes| sign(&key, bytes))?;
        let pem = certificate.to_pem(LineEnding::LF)?;
        Ok(Self { key, certificate, pem })
    }

    /// A small key that is generated quickly.
    #[cfg(test)]
    pub(super) fn generate_for_tests() -> Self {
        Self::from_key(RsaPrivateKey::new(&mut rand::rngs::OsRng, 1024).unwrap()).unwrap()
    }
}

fn sign(key: &RsaPrivateKey, bytes: &[u8]) -> Result<Vec<u8>, SigningError> {
    key.sign(Pkcs1v15Sign::new::<Sha512>(), &Sha512::digest(bytes)).map_err(SigningError::Sign)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn an_existing_key_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(KEY_FILE);
        let text = ModuleKey::generate_for_tests().key.to_pkcs8_pem(LineEnding::LF).unwrap();
        fs::write(&path, &*text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let [first, second] = [(), ()].map(|()| ModuleKey::open_or_create(folder.path()).unwrap());
        assert_eq!(first.certificate_pem(), second.certificate_pem());
    }
}
