//! Reasons why a package cannot contain an installed file.

use std::ffi::OsStr;
use std::fmt::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;

use base::diagnostic::must_be_escaped;
use runtime::beneath::FileKind;

/// Why a package cannot contain an installed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// Its name is not UTF-8 text. Contains the name with the invalid bytes escaped.
    NameNotText(String),
    /// Its name contains a control character.
    ControlInName,
    /// It is a link whose target is not UTF-8 text.
    TargetNotText,
    /// It is a link whose target contains a control character.
    ControlInTarget,
    /// It is a link to itself: the file that a build replaced with it is lost.
    LinkToItself,
    /// It has an access control list.
    AccessList,
    /// It is neither a file nor a link nor a directory.
    Kind(FileKind),
}

impl Obstacle {
    /// The obstacle in a file's name, if any.
    pub fn in_name(name: &OsStr) -> Option<Self> {
        match name.to_str() {
            None => Some(Self::NameNotText(escaped(name.as_bytes()))),
            Some(text) if text.contains(char::is_control) => Some(Self::ControlInName),
            Some(_) => None,
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NameNotText(name) => write!(f, "its name `{name}` is not UTF-8 text"),
            Self::ControlInName => f.write_str("its name contains a control character"),
            Self::TargetNotText => f.write_str("it is a symbolic link whose target is not UTF-8 text"),
            Self::ControlInTarget => f.write_str("it is a symbolic link whose target contains a control character"),
            Self::LinkToItself => f.write_str("it is a symbolic link to itself"),
            Self::AccessList => f.write_str("it has an access control list, which would be lost; set its rights with chmod instead"),
            Self::Kind(kind) => write!(f, "it is {kind}"),
        }
    }
}

/// A name as one line of text: control characters, characters that change the direction of text, and bytes that are not UTF-8 are escaped.
pub fn escaped(name: &[u8]) -> String {
    let mut text = String::new();
    for chunk in name.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() || must_be_escaped(character) {
                text.extend(character.escape_default());
            } else {
                text.push(character);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// A glob for `drop` that matches `path`: with `?` for characters that a glob cannot contain literally.
pub fn glob_of(path: &str) -> String {
    let odd = |character: char| character.is_control() || character == char::REPLACEMENT_CHARACTER || "*?[]{}\\\"".contains(character);
    path.chars().map(|character| if odd(character) { '?' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::glob::Glob;

    #[test]
    fn names_are_one_line_of_text() {
        for (name, expected) in [
            (&b"plain"[..], "plain"),
            (b"a\nb", "a\\nb"),
            (b"a\x1b[2Jb", "a\\u{1b}[2Jb"),
            (b"a\xffb", "a\\xffb"),
            ("a\u{202e}b".as_bytes(), "a\\u{202e}b"),
            ("grün".as_bytes(), "grün"),
        ] {
            assert_eq!(escaped(name), expected);
        }
    }

    #[test]
    fn every_path_has_a_glob() {
        for path in ["/usr/a\nb", "/usr/a*b[c]{d}\\e", "/usr/\u{fffd}", "/usr/plain"] {
            assert!(Glob::new(&glob_of(path)).unwrap().matches(path), "{path:?}");
        }
    }
}
