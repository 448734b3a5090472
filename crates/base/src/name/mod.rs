//! Names of packages, versions and RPM dependency expressions, checked once where they are read.

mod dependency;
mod version;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use dependency::{Comparison, Dependency, InvalidDependency};
pub use version::{InvalidVersion, check_version};

/// A package's name: letters, digits and `+ - . _`, beginning with a letter or digit, without `..`, at most 100 bytes.
///
/// Names become file names in the store and in repositories, so the set is narrower than RPM's own.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PackageName(String);

/// A text that cannot be a package's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a package name: use letters, digits and `+ - . _`, beginning with a letter or digit, no `..`, at most 100")]
pub struct InvalidName {
    text: String,
}

impl PackageName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the subpackage `<self>-<suffix>`.
    ///
    /// # Errors
    /// When the whole is not a package name.
    pub fn with_suffix(&self, suffix: &str) -> Result<Self, InvalidName> {
        format!("{self}-{suffix}").parse()
    }
}

impl FromStr for PackageName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let first_ok = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        let rest_ok = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte));
        if first_ok && rest_ok && !text.contains("..") && text.len() <= 100 {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidName { text: text.to_owned() })
        }
    }
}

impl TryFrom<String> for PackageName {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<PackageName> for String {
    fn from(name: PackageName) -> Self {
        name.0
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_names() {
        for good in ["zlib", "libstdc++", "e2fsprogs", "7zip", "a.b_c-d"] {
            assert!(good.parse::<PackageName>().is_ok(), "{good}");
        }
        for bad in ["", "-x", ".x", "a b", "a/b", "../x", "a..b", "ä", &"a".repeat(101)] {
            assert!(bad.parse::<PackageName>().is_err(), "{bad}");
        }
    }
}
