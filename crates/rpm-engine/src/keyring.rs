//! The keys whose signatures are trusted.

mod subkey;

use pgp::composed::{Deserializable as _, SignedPublicKey};
use pgp::packet::{Packet, PacketParser, Signature};
use rpm::signature::Verifying as _;
use rpm::signature::pgp::Verifier;

use crate::key::blocks;
use subkey::ValidAt;

/// OpenPGP public keys. There is no way to make one that trusts everything.
#[derive(Debug, Clone)]
pub struct Keyring {
    verifier: Verifier,
    /// The same keys: the verifier does not show what they say of their subkeys.
    keys: Vec<SignedPublicKey>,
}

/// A keyring at a moment, for what must be signed with a key that is valid then.
#[derive(Debug, Clone, Copy)]
pub struct KeyringAt<'k> {
    keyring: &'k Keyring,
    now: u64,
}

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
    /// The signature is by a trusted key, but over other bytes.
    #[error("its signature does not fit it: it was changed after it was signed")]
    Changed,
    /// The signature is by nobody trusted, or cannot be checked.
    #[error("its signature does not verify with the given keys")]
    Refused {
        /// Why.
        source: Box<rpm::Error>,
    },
    /// The signature is by a subkey that its owner took back.
    #[error("its signature is by the subkey {fingerprint}, which was revoked")]
    SubkeyRevoked {
        /// The subkey's fingerprint, in uppercase hexadecimal.
        fingerprint: String,
    },
    /// The signature is by a subkey that was not valid any more.
    #[error("its signature is by the subkey {fingerprint}, which had expired")]
    SubkeyExpired {
        /// The subkey's fingerprint, in uppercase hexadecimal.
        fingerprint: String,
    },
    /// The signature is by a subkey that is for something else, or that never confirmed whose it is.
    #[error("its signature is by the subkey {fingerprint}, which is not bound to its key for signing")]
    SubkeyNotForSigning {
        /// The subkey's fingerprint, in uppercase hexadecimal.
        fingerprint: String,
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
        let (mut any, mut all) = (false, Vec::new());
        for key in keys {
            verifier.load_from_asc(key.as_ref()).map_err(|source| KeyError::BadKey { source: Box::new(source) })?;
            let parsed = SignedPublicKey::from_string_many(key.as_ref()).into_iter().flat_map(|(keys, _)| keys.flatten());
            all.extend(parsed.filter(|key| key.verify_bindings().is_ok()));
            any = true;
        }
        if any { Ok(Self { verifier, keys: all }) } else { Err(KeyError::NoKeys) }
    }

    /// Checks a binary signature over `data`. A subkey may have expired since it was made.
    ///
    /// # Errors
    /// When it is by none of the keys, does not fit the data, or is by a subkey that must not have made it.
    pub fn check(&self, data: &[u8], signature: &[u8]) -> Result<(), KeyError> {
        self.check_valid(data, signature, ValidAt::Signing)
    }

    /// The keyring at a time in seconds since 1970.
    pub fn at(&self, now: u64) -> KeyringAt<'_> {
        KeyringAt { keyring: self, now }
    }

    fn check_valid(&self, data: &[u8], signature: &[u8], valid_at: ValidAt) -> Result<(), KeyError> {
        self.verifier.verify(data, signature).map_err(|source| match source {
            rpm::Error::VerificationError { .. } => KeyError::Changed,
            source => KeyError::Refused { source: Box::new(source) },
        })?;
        let parsed = parsed(signature).ok_or(KeyError::Unsigned)?;
        subkey::check(&self.keys, &parsed, valid_at)
    }
}

impl KeyringAt<'_> {
    /// Checks ASCII-armoured detached signatures over `data`. One that is good is enough: whoever changes keys signs with both for a while.
    ///
    /// # Errors
    /// When there is no such signature, or none of them is by a key of the keyring that is valid at that time.
    pub fn check_armoured(&self, data: &[u8], armoured: &str) -> Result<(), KeyError> {
        let mut last = KeyError::BadArmour;
        for block in blocks(armoured, "SIGNATURE") {
            let bytes = dearmour(block).ok_or(KeyError::BadArmour)?;
            for signature in packets(&bytes) {
                match self.keyring.check_valid(data, signature, ValidAt::Time(self.now)) {
                    Ok(()) => return Ok(()),
                    Err(error) => last = error,
                }
            }
        }
        Err(last)
    }
}

/// The first signature of some packets, which is the one that the verifier looks at.
fn parsed(signature: &[u8]) -> Option<Signature> {
    PacketParser::new(signature).find_map(|packet| match packet {
        Ok(Packet::Signature(signature)) => Some(signature),
        Ok(_) | Err(_) => None,
    })
}

/// The bytes within an `-----BEGIN PGP SIGNATURE-----` block (RFC 9580, section 6.2), its checksum line left out.
fn dearmour(block: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    let (_, after) = block.split_once("-----BEGIN PGP SIGNATURE-----")?;
    let (block, _) = after.split_once("-----END PGP SIGNATURE-----")?;
    // Headers such as `Version:` hold a colon, which base64 does not; the checksum line begins with `=`.
    let lines = block.lines().map(str::trim).filter(|line| !line.contains(':') && !line.starts_with('='));
    base64::engine::general_purpose::STANDARD.decode(lines.collect::<String>()).ok().filter(|bytes| !bytes.is_empty())
}

/// The packets that bytes consist of (RFC 9580, section 4.2). Where that cannot be told, the rest counts as one.
fn packets(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let length = packet_length(bytes).filter(|length| *length <= bytes.len()).unwrap_or(bytes.len());
        let (packet, rest) = bytes.split_at(length);
        found.push(packet);
        bytes = rest;
    }
    found
}

/// The length of the first packet, its header included.
fn packet_length(bytes: &[u8]) -> Option<usize> {
    let number = |from: usize, count: usize| Some(bytes.get(from..from + count)?.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)));
    let new_format = bytes.first()? & 0x40 != 0;
    let (header, content) = match (new_format, number(1, 1)?) {
        (true, one @ 0..192) => (2, one),
        (true, one @ 192..224) => (3, ((one - 192) << 8) + number(2, 1)? + 192),
        (true, 255) => (6, number(2, 4)?),
        // The content comes in parts.
        (true, _) => return None,
        (false, _) => match bytes[0] & 3 {
            0 => (2, number(1, 1)?),
            1 => (3, number(1, 2)?),
            2 => (5, number(1, 4)?),
            // The content ends with the bytes.
            _ => return None,
        },
    };
    content.checked_add(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_of_all_lengths() {
        let long = |header: &[u8], content: usize| [header.to_vec(), vec![0; content]].concat();
        let parts = [long(&[0xc2, 3], 3), long(&[0xc2, 0xc0, 8], 200), long(&[0xc2, 255, 0, 0, 1, 0], 256), long(&[0x88, 2], 2)];
        let parts = [parts.to_vec(), vec![long(&[0x89, 1, 0], 256), long(&[0x8a, 0, 0, 0, 1], 1), long(&[0x8b], 5)]].concat();
        assert_eq!(packets(&parts.concat()), parts.iter().map(Vec::as_slice).collect::<Vec<_>>());
        for cut in [&[0xc2][..], &[0xc2, 9, 1], &[0x89, 1], &[0xc2, 255, 255, 255, 255, 255]] {
            assert_eq!(packets(cut), [cut]);
        }
    }
}
