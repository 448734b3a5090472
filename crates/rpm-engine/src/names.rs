//! Names of files that are not UTF-8: as the kernel has them they are bytes.
//!
//! In memory names are text. A byte that is not part of a character becomes one of the last private area ([`FIRST`] and the byte), and
//! becomes that byte again where the kernel is asked. Whoever has such a character in a name gets its four bytes one by one.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

/// The character of byte 0.
const FIRST: u32 = 0x0010_ff00;

fn of_byte(byte: u8) -> char {
    char::from_u32(FIRST + u32::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn byte_of(character: char) -> Option<u8> {
    u32::from(character).checked_sub(FIRST).and_then(|byte| u8::try_from(byte).ok())
}

/// A name as text.
pub(crate) fn text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match byte_of(character) {
                None => text.push(character),
                Some(_) => text.extend(character.encode_utf8(&mut [0; 4]).bytes().map(of_byte)),
            }
        }
        text.extend(chunk.invalid().iter().copied().map(of_byte));
    }
    text
}

/// A name as the kernel has it.
pub(crate) fn raw(text: &str) -> Cow<'_, OsStr> {
    // The first byte of all those characters, which are rare.
    if !text.as_bytes().contains(&0xf4) || !text.chars().any(|character| byte_of(character).is_some()) {
        return Cow::Borrowed(OsStr::new(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        match byte_of(character) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend(character.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    Cow::Owned(OsStr::from_bytes(&bytes).to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn most_names_are_what_they_were() {
        for name in ["/usr/bin/sh", "/usr/share/日本語", "/x\u{10fe00}", ""] {
            assert_eq!(text(name.as_bytes()), name);
            assert!(matches!(raw(name), Cow::Borrowed(same) if same == name));
        }
        assert_eq!(text(b"/caf\xe9"), "/caf\u{10ffe9}");
    }

    proptest! {
        #[test]
        fn names_come_back(bytes in proptest::collection::vec(any::<u8>(), 0..40), private in "[\u{10ff00}-\u{10ffff}a]{0,4}") {
            for bytes in [bytes, private.into_bytes()] {
                let text = text(&bytes);
                let back = raw(&text);
                prop_assert_eq!(back.as_bytes(), &bytes[..]);
            }
        }
    }
}
