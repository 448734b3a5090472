//! Percent-encoding of what metadata adds to an address. Locations in metadata are plain text (createrepo's), addresses are not (RFC 3986).

use std::fmt::Write as _;

/// A path as part of an address: everything is encoded but slashes and what RFC 3986 calls unreserved. `+` and `^` would be allowed, but
/// object stores take a plain `+` for a space.
pub fn encoded(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// What a percent-encoded text stands for. Encoding that makes no sense stays as it is.
pub fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = (*first == b'%').then(|| after.get(..2)).flatten();
        match digits.and_then(|digits| hex::decode(digits).ok()) {
            Some(byte) => {
                bytes.extend(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoding_and_back() {
        let table = [
            ("Packages/app-1~rc_2.rpm", "Packages/app-1~rc_2.rpm"),
            ("x y/a+b^c.rpm", "x%20y/a%2Bb%5Ec.rpm"),
            ("b#1?.rpm", "b%231%3F.rpm"),
            ("c%31.rpm", "c%2531.rpm"),
            ("dö.rpm", "d%C3%B6.rpm"),
        ];
        for (path, address) in table {
            assert_eq!(encoded(path), address);
            assert_eq!(decoded(address), path.as_bytes());
        }
        assert_eq!(decoded("%zz%4%"), b"%zz%4%");
    }
}
