//! Variables that VMware's administrators give a virtual machine: `guestinfo.*`, through open-vm-tools.

use std::fs;
use std::io::Read as _;

use base64::Engine as _;

use crate::program::{self, find_program};

const PROGRAM: &str = "vmware-rpctool";

/// Larger documents are refused, in bytes.
pub const LONGEST_BYTES: u64 = 8 << 20;

/// Why a document cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Its encoding has an unknown name.
    #[error("the encoding `{0}` is unknown: write `base64` or `gzip+base64`")]
    Encoding(String),
    /// It is not Base64.
    #[error("it is not Base64")]
    Base64,
    /// It is not what gzip writes.
    #[error("it is not what gzip writes")]
    Gzip,
    /// It is too large.
    #[error("it is larger than {} MiB, and not read at all", LONGEST_BYTES >> 20)]
    TooLarge,
    /// It is not text.
    #[error("it is not text in UTF-8")]
    Text,
}

/// Whether this is a virtual machine that has such variables, and the program to ask for them is there.
pub fn is_there() -> bool {
    let vendor = fs::read_to_string("/sys/class/dmi/id/sys_vendor");
    vendor.is_ok_and(|vendor| vendor.starts_with("VMware")) && find_program(PROGRAM).is_some()
}

/// The variable `guestinfo.NAME`, if it is set.
pub fn variable(name: &str) -> Option<String> {
    let text = program::run(PROGRAM, &[&format!("info-get guestinfo.{name}")], None).ok()?;
    Some(text).filter(|text| !text.is_empty())
}

/// A document in a variable, whose encoding another one names; compressed or not.
///
/// # Errors
/// When it cannot be decoded, in a few words.
pub fn document(name: &str) -> Result<Option<String>, String> {
    let Some(text) = variable(name) else { return Ok(None) };
    let encoding = variable(&format!("{name}.encoding")).unwrap_or_default();
    let bytes = decode_bytes(&text, &encoding).and_then(|bytes| text_of(&bytes));
    bytes.map(Some).map_err(|error| format!("guestinfo.{name}: {error}"))
}

/// Text that was given as such, in Base64, or compressed in Base64.
///
/// # Errors
/// When it is not that, or too large.
pub fn decode_bytes(text: &str, encoding: &str) -> Result<Vec<u8>, DecodeError> {
    let is_compressed = match encoding.trim().to_ascii_lowercase().as_str() {
        "" => return Ok(text.as_bytes().to_vec()),
        "base64" | "b64" => false,
        "gzip+base64" | "gz+b64" | "gz+base64" | "gzip+b64" => true,
        _ => return Err(DecodeError::Encoding(encoding.to_owned())),
    };
    let text: String = text.split_whitespace().collect();
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).map_err(|_| DecodeError::Base64)?;
    if is_compressed { gunzip(&bytes) } else { Ok(bytes) }
}

/// As [`decode_bytes`], for text.
pub fn decode(text: &str, encoding: &str) -> Option<String> {
    decode_bytes(text, encoding).and_then(|bytes| text_of(&bytes)).ok()
}

/// What is compressed, if it is not too large.
///
/// # Errors
/// When it is too large, or not what gzip writes.
pub fn gunzip(bytes: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let mut plain = Vec::new();
    // One byte more shows that it is too long.
    let read = flate2::read::MultiGzDecoder::new(bytes).take(LONGEST_BYTES + 1).read_to_end(&mut plain);
    read.map_err(|_| DecodeError::Gzip)?;
    if plain.len() as u64 > LONGEST_BYTES { Err(DecodeError::TooLarge) } else { Ok(plain) }
}

/// The text of a document: compressed by gzip or not, with or without the byte order mark of Windows' programs.
///
/// # Errors
/// When it is too large or no text.
pub fn text_of(bytes: &[u8]) -> Result<String, DecodeError> {
    if bytes.len() as u64 > LONGEST_BYTES {
        return Err(DecodeError::TooLarge);
    }
    let is_compressed = bytes.starts_with(&[0x1f, 0x8b]);
    let plain = if is_compressed { gunzip(bytes)? } else { bytes.to_vec() };
    let text = String::from_utf8(plain).map_err(|_| DecodeError::Text)?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings() {
        assert_eq!(decode("a b", "").as_deref(), Some("a b"));
        assert_eq!(decode("aGk=\n", "base64").as_deref(), Some("hi"));
        assert_eq!(decode("H4sIAAAAAAACA8vIBACsKpPYAgAAAA==", "gzip+base64").as_deref(), Some("hi"));
        assert_eq!(decode("!", "base64"), None);
        assert_eq!(decode_bytes("a", "rot13"), Err(DecodeError::Encoding("rot13".into())));
        assert_eq!(decode("aGk=", "Base64").as_deref(), Some("hi"));
        // `terraform` packs by itself, and is asked for Base64 besides.
        assert_eq!(decode("H4sIAAAAAAACA8vIBACsKpPYAgAAAA==", "base64").as_deref(), Some("hi"));
        assert_eq!(text_of(b"\xef\xbb\xbf#cloud-config").as_deref(), Ok("#cloud-config"));
        assert_eq!(text_of(&[0xff]), Err(DecodeError::Text));
    }

    #[test]
    fn nothing_is_cut() {
        use std::io::Write as _;
        for (length, expected) in [(LONGEST_BYTES, None), (LONGEST_BYTES + 1, Some(DecodeError::TooLarge))] {
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packer.write_all(&vec![b'a'; length as usize]).unwrap();
            assert_eq!(text_of(&packer.finish().unwrap()).err(), expected);
        }
    }
}
