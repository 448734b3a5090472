//! Names of packages and RPM dependency expressions, checked once where they are read.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A package's name: letters, digits and `+ - . _`, beginning with a letter or digit, at most 100 bytes.
///
/// Names become file names in the store and in repositories, so the set is narrower than RPM's own.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PackageName(String);

/// A text that cannot be a package's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a package name: it takes letters, digits and `+ - . _`, beginning with a letter or digit, at most 100")]
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
        if first_ok && rest_ok && text.len() <= 100 { Ok(Self(text.to_owned())) } else { Err(InvalidName { text: text.to_owned() }) }
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

/// How a dependency compares versions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `=`
    Equal,
    /// `>=`
    GreaterOrEqual,
    /// `>`
    Greater,
}

impl Comparison {
    /// The operator as RPM writes it.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Equal => "=",
            Self::GreaterOrEqual => ">=",
            Self::Greater => ">",
        }
    }
}

/// An RPM dependency: a capability, and optionally the versions of it that will do (`systemd >= 257`).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Dependency {
    /// The capability's name: a package, a virtual provide, a file path, `libz.so.1()(64bit)` …
    pub capability: String,
    /// Comparison and `[epoch:]version[-release]`.
    pub constraint: Option<(Comparison, String)>,
}

/// A text that is no dependency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a dependency: write `name` or `name >= version`")]
pub struct InvalidDependency {
    text: String,
}

impl Dependency {
    /// A dependency on any version of `capability`.
    pub fn any(capability: impl Into<String>) -> Self {
        Self { capability: capability.into(), constraint: None }
    }

    /// A dependency on exactly `version`.
    pub fn equal(capability: impl Into<String>, version: impl Into<String>) -> Self {
        Self { capability: capability.into(), constraint: Some((Comparison::Equal, version.into())) }
    }
}

impl FromStr for Dependency {
    type Err = InvalidDependency;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidDependency { text: text.to_owned() };
        let words: Vec<&str> = text.split_whitespace().collect();
        let printable = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic());
        let constraint = match words[..] {
            [_] => None,
            [_, operator, version] if printable(version) => {
                let comparison = match operator {
                    "<" => Comparison::Less,
                    "<=" => Comparison::LessOrEqual,
                    "=" => Comparison::Equal,
                    ">=" => Comparison::GreaterOrEqual,
                    ">" => Comparison::Greater,
                    _ => return Err(invalid()),
                };
                Some((comparison, version.to_owned()))
            }
            _ => return Err(invalid()),
        };
        let capability = words[0];
        let starts_well =
            capability.starts_with('/') || capability.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_');
        if !printable(capability) || !starts_well {
            return Err(invalid());
        }
        Ok(Self { capability: capability.to_owned(), constraint })
    }
}

impl TryFrom<String> for Dependency {
    type Error = InvalidDependency;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Dependency> for String {
    fn from(dependency: Dependency) -> Self {
        dependency.to_string()
    }
}

impl fmt::Display for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.capability)?;
        match &self.constraint {
            Some((comparison, version)) => write!(f, " {} {version}", comparison.symbol()),
            None => Ok(()),
        }
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
        for bad in ["", "-x", ".x", "a b", "a/b", "../x", "ä", &"a".repeat(101)] {
            assert!(bad.parse::<PackageName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn dependencies_round_trip() {
        for good in ["bash", "systemd >= 257", "old < 2:1.0-3", "/usr/bin/sh", "libz.so.1()(64bit)", "pkgconfig(zlib) = 1.3"] {
            assert_eq!(good.parse::<Dependency>().unwrap().to_string(), good);
        }
        for bad in ["", "a b", "a >= ", "a => 1", "a >= 1 2", "-x", "a\u{e4}"] {
            assert!(bad.parse::<Dependency>().is_err(), "{bad}");
        }
    }
}
