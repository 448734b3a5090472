//! Variables that VMware's administrators give a virtual machine: `guestinfo.*`, through open-vm-tools.

use std::fs;
use std::io::Read as _;

use base64::Engine as _;

use crate::program::{self, find_program};

const PROGRAM: &str = "vmware-rpctool";

/// Larger documents are not read, in bytes.
const LONGEST_BYTES: u64 = 1 << 20;

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

/// A document in a variable, whose encoding another one names.
///
/// # Errors
/// When it cannot be decoded, in a few words.
pub fn document(name: &str) -> Result<Option<String>, String> {
    let Some(text) = variable(name) else { return Ok(None) };
    let encoding = variable(&format!("{name}.encoding")).unwrap_or_default();
    decode(&text, &encoding).map(Some).ok_or_else(|| format!("guestinfo.{name}: it cannot be decoded as `{encoding}`"))
}

/// Text that was given as such, in Base64, or compressed in Base64.
pub fn decode(text: &str, encoding: &str) -> Option<String> {
    let compressed = match encoding {
        "" => return Some(text.to_owned()),
        "base64" | "b64" => false,
        "gzip+base64" | "gz+b64" => true,
        _ => return None,
    };
    let text: String = text.split_whitespace().collect();
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
    if !compressed {
        return String::from_utf8(bytes).ok();
    }
    let mut plain = String::new();
    flate2::read::MultiGzDecoder::new(&bytes[..]).take(LONGEST_BYTES).read_to_string(&mut plain).ok()?;
    Some(plain)
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
        assert_eq!(decode("a", "rot13"), None);
    }
}
