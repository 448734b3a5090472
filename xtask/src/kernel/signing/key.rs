//! The key of kernel modules.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::Path;

use rsa::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, LineEnding};
use rsa::{Pkcs1v15Sign, RsaPrivateKey};
use sha2::{Digest as _, Sha512};
use x509_cert::Certificate;
use x509_cert::der::EncodePem as _;

use super::{SigningError, certificate};
use crate::sign::{SignError, lock, publish};

/// Size of the modulus: as strong as the 128-bit ciphers of today, and what packages are signed with too.
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
    /// The key in the directory `folder`; where there is none yet, one is made. Builders that come at once make one between them.
    ///
    /// # Errors
    /// When the directory or file cannot be used, or the file holds no such key.
    pub fn open_or_create(folder: &Path) -> Result<Self, SigningError> {
        if let Some(key) = Self::open(folder)? {
            return Ok(key);
        }
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|source| SignError::io("make", folder, source))?;
        let _lock = lock(&folder.join("lock"))?;
        if let Some(key) = Self::open(folder)? {
            return Ok(key);
        }
        let path = folder.join(KEY_FILE);
        let key = RsaPrivateKey::new(&mut rand::rngs::OsRng, KEY_BITS).map_err(SigningError::Generate)?;
        let text = key.to_pkcs8_pem(LineEnding::LF).map_err(|error| SignError::unusable(&path, error.to_string()))?;
        publish(folder, &path, text.as_bytes())?;
        Self::from_key(key)
    }

    /// The certificate a kernel must hold to trust this key, in PEM. Equal keys have equal certificates.
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
    /// When the file cannot be used or holds no such key.
    pub fn open(folder: &Path) -> Result<Option<Self>, SigningError> {
        let path = &folder.join(KEY_FILE);
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(SignError::io("read", path, source).into()),
        };
        let mode = fs::metadata(path).map_err(|source| SignError::io("read", path, source))?.mode();
        if mode & 0o077 != 0 {
            return Err(SignError::Exposed { path: path.to_owned(), mode: mode & 0o777 }.into());
        }
        let key = RsaPrivateKey::from_pkcs8_pem(&text).map_err(|error| SignError::unusable(path, error.to_string()))?;
        Self::from_key(key).map(Some)
    }

    fn from_key(key: RsaPrivateKey) -> Result<Self, SigningError> {
        let certificate = certificate::certificate(&key.to_public_key(), |bytes| sign(&key, bytes))?;
        let pem = certificate.to_pem(LineEnding::LF)?;
        Ok(Self { key, certificate, pem })
    }

    /// A small key that is made quickly.
    #[cfg(test)]
    pub(crate) fn generate_for_tests() -> Self {
        Self::from_key(RsaPrivateKey::new(&mut rand::rngs::OsRng, 1024).unwrap()).unwrap()
    }
}

fn sign(key: &RsaPrivateKey, bytes: &[u8]) -> Result<Vec<u8>, SigningError> {
    key.sign(Pkcs1v15Sign::new::<Sha512>(), &Sha512::digest(bytes)).map_err(SigningError::Sign)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_key_is_made_once_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(KEY_FILE);
        let text = ModuleKey::generate_for_tests().key.to_pkcs8_pem(LineEnding::LF).unwrap();
        publish(folder.path(), &path, text.as_bytes()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let [first, second] = [(), ()].map(|()| ModuleKey::open_or_create(folder.path()).unwrap());
        assert_eq!(first.certificate_pem(), second.certificate_pem());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(ModuleKey::open_or_create(folder.path()), Err(SigningError::Key(SignError::Exposed { .. }))));
    }
}
