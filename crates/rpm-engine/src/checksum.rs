//! Checksums of files, in lowercase hexadecimal. Their lengths say what they are, so nothing else is kept with them.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha224, Sha256, Sha384, Sha512};

/// A kind of checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Checksum {
    /// MD5: anybody can make another file with the same.
    Md5,
    /// SHA-1: for enough money, likewise.
    Sha1,
    /// SHA-224.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Checksum {
    /// All kinds, the strongest last.
    const ALL: [Self; 6] = [Self::Md5, Self::Sha1, Self::Sha224, Self::Sha256, Self::Sha384, Self::Sha512];

    /// The kind that repositories and metalinks call so.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "md5" => Self::Md5,
            "sha" | "sha1" | "sha-1" => Self::Sha1,
            "sha224" | "sha-224" => Self::Sha224,
            "sha256" | "sha-256" => Self::Sha256,
            "sha384" | "sha-384" => Self::Sha384,
            "sha512" | "sha-512" => Self::Sha512,
            _ => return None,
        })
    }

    /// The kind with this number in headers (`RPMTAG_FILEDIGESTALGO`, which are OpenPGP's: RFC 9580, section 9.5).
    pub(crate) fn numbered(number: u64) -> Option<Self> {
        Some(match number {
            1 => Self::Md5,
            2 => Self::Sha1,
            8 => Self::Sha256,
            9 => Self::Sha384,
            10 => Self::Sha512,
            11 => Self::Sha224,
            _ => return None,
        })
    }

    /// The kind of a checksum; none where the text is not one.
    pub fn of(hex: &str) -> Option<Self> {
        let is_hex = hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        Self::ALL.into_iter().find(|kind| is_hex && kind.digits() == hex.len())
    }

    /// How it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha224 => "SHA-224",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        }
    }

    /// Whether nobody can make another file with the same.
    pub fn is_strong(self) -> bool {
        !matches!(self, Self::Md5 | Self::Sha1)
    }

    fn digits(self) -> usize {
        match self {
            Self::Md5 => 32,
            Self::Sha1 => 40,
            Self::Sha224 => 56,
            Self::Sha256 => 64,
            Self::Sha384 => 96,
            Self::Sha512 => 128,
        }
    }

    /// Computes one.
    pub fn hasher(self) -> Hasher {
        match self {
            Self::Md5 => Hasher::Md5(Md5::new()),
            Self::Sha1 => Hasher::Sha1(Sha1::new()),
            Self::Sha224 => Hasher::Sha224(Sha224::new()),
            Self::Sha256 => Hasher::Sha256(Sha256::new()),
            Self::Sha384 => Hasher::Sha384(Sha384::new()),
            Self::Sha512 => Hasher::Sha512(Sha512::new()),
        }
    }
}

/// A checksum in the making.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "each is what its name says")]
pub enum Hasher {
    Md5(Md5),
    Sha1(Sha1),
    Sha224(Sha224),
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

impl Hasher {
    /// Of a file whose checksum is this one; SHA-256 where the text is none.
    pub fn like(hex: &str) -> Self {
        Checksum::of(hex).unwrap_or(Checksum::Sha256).hasher()
    }

    /// Takes bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Md5(hasher) => hasher.update(bytes),
            Self::Sha1(hasher) => hasher.update(bytes),
            Self::Sha224(hasher) => hasher.update(bytes),
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha384(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    /// The checksum.
    pub fn hex(self) -> String {
        match self {
            Self::Md5(hasher) => hex::encode(hasher.finalize()),
            Self::Sha1(hasher) => hex::encode(hasher.finalize()),
            Self::Sha224(hasher) => hex::encode(hasher.finalize()),
            Self::Sha256(hasher) => hex::encode(hasher.finalize()),
            Self::Sha384(hasher) => hex::encode(hasher.finalize()),
            Self::Sha512(hasher) => hex::encode(hasher.finalize()),
        }
    }

    /// Takes in all that is left of a file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(mut self, file: &mut impl Read) -> io::Result<Self> {
        let mut buffer = vec![0; 256 * 1024];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return Ok(self),
                Ok(read) => self.update(&buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Whether a file has this checksum.
///
/// # Errors
/// When it cannot be read.
pub fn has(path: &Path, checksum: &str) -> io::Result<bool> {
    Ok(Hasher::like(checksum).read(&mut File::open(path)?)?.hex() == checksum)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checksums of nothing, as RFC 1321, RFC 3174 and FIPS 180-4 have them.
    const OF_NOTHING: [(&str, Checksum, &str); 4] = [
        ("md5", Checksum::Md5, "d41d8cd98f00b204e9800998ecf8427e"),
        ("sha", Checksum::Sha1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        ("sha256", Checksum::Sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("sha384", Checksum::Sha384, "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b"),
    ];

    #[test]
    fn kinds_by_name_and_length() {
        for (name, kind, hex) in OF_NOTHING {
            assert_eq!(Checksum::named(name), Some(kind));
            assert_eq!(Checksum::of(hex), Some(kind));
            assert_eq!(kind.hasher().hex(), hex);
        }
        assert_eq!(Checksum::of(&"g".repeat(64)), None);
        assert_eq!(Checksum::of(&"A".repeat(64)), None);
        assert_eq!(Checksum::of(""), None);
        for kind in Checksum::ALL {
            assert_eq!(Checksum::of(&kind.hasher().hex()), Some(kind));
        }
    }
}
