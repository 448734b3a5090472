//! The keys whose signatures are trusted.

use rpm::signature::Verifying as _;
use rpm::signature::pgp::Verifier;

/// OpenPGP public keys. There is no way to make one that trusts everything.
#[derive(Debug, Clone)]
pub struct Keyring(Verifier);

/// Why a key or a signature is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// No key was given at all.
    #[error("no key is configured, so signatures cannot be checked")]
    NoKeys,
    /// A key cannot be read.
    #[error("a key is not an ASCII-armoured OpenPGP public key")]
    BadKey {
        /// Why.
        source: Box<rpm::Error>,
    },
    /// There is no signature.
    #[error("it is not signed")]
    Unsigned,
    /// The signature is by nobody trusted, or the signed bytes were changed.
    #[error("its signature does not verify with the given keys")]
    Refused {
        /// Why.
        source: Box<rpm::Error>,
    },
    /// A detached signature is not ASCII armour.
    #[error("its signature is not an ASCII-armoured OpenPGP signature")]
    BadArmour,
}

impl Keyring {
    /// A keyring of ASCII-armoured public keys.
    ///
    /// # Errors
    /// When there is none or one cannot be read.
    pub fn from_armoured<K: AsRef<str>>(keys: impl IntoIterator<Item = K>) -> Result<Self, KeyError> {
        let mut verifier = Verifier::new();
        let mut any = false;
        for key in keys {
            verifier.load_from_asc(key.as_ref()).map_err(|source| KeyError::BadKey { source: Box::new(source) })?;
            any = true;
        }
        if any { Ok(Self(verifier)) } else { Err(KeyError::NoKeys) }
    }

    /// Checks a binary signature over `data`.
    ///
    /// # Errors
    /// When it is by none of the keys or does not fit the data.
    pub fn check(&self, data: &[u8], signature: &[u8]) -> Result<(), KeyError> {
        self.0.verify(data, signature).map_err(|source| KeyError::Refused { source: Box::new(source) })
    }

    /// Checks an ASCII-armoured detached signature over `data`.
    ///
    /// # Errors
    /// When it is no such signature, is by none of the keys, or does not fit the data.
    pub fn check_armoured(&self, data: &[u8], armoured: &str) -> Result<(), KeyError> {
        self.check(data, &dearmour(armoured).ok_or(KeyError::BadArmour)?)
    }
}

/// The bytes within an `-----BEGIN PGP SIGNATURE-----` block (RFC 9580, section 6.2), its checksum line left out.
fn dearmour(text: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    let (_, after) = text.split_once("-----BEGIN PGP SIGNATURE-----")?;
    let (block, _) = after.split_once("-----END PGP SIGNATURE-----")?;
    // Headers such as `Version:` hold a colon, which base64 does not; the checksum line begins with `=`.
    let lines = block.lines().map(str::trim).filter(|line| !line.contains(':') && !line.starts_with('='));
    base64::engine::general_purpose::STANDARD.decode(lines.collect::<String>()).ok().filter(|bytes| !bytes.is_empty())
}
