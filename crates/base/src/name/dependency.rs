//! RPM dependency expressions.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::version::{InvalidVersion, check_evr};

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

    fn parse(operator: &str) -> Option<Self> {
        [Self::Less, Self::LessOrEqual, Self::Equal, Self::GreaterOrEqual, Self::Greater].into_iter().find(|it| it.symbol() == operator)
    }

    /// The comparison that an operator of Debian, other packagers or programming languages means.
    fn meant(operator: &str) -> Option<Self> {
        Self::parse(operator).or(match operator {
            "<<" => Some(Self::Less),
            "=<" => Some(Self::LessOrEqual),
            "==" => Some(Self::Equal),
            "=>" => Some(Self::GreaterOrEqual),
            ">>" => Some(Self::Greater),
            _ => None,
        })
    }
}

/// An RPM dependency: a capability, and optionally the acceptable versions (`systemd >= 257`).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Dependency {
    /// The capability's name: a package, a virtual provide, a file path, `libz.so.1()(64bit)` …
    pub capability: String,
    /// Comparison and `[epoch:]version[-release]`.
    pub constraint: Option<(Comparison, String)>,
}

/// A text that is not a dependency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDependency {
    /// Not recognisable as a dependency.
    #[error("`{text}` is not a dependency: write `name` or `name >= version`")]
    Unreadable {
        /// The text.
        text: String,
    },
    /// A constraint in another notation: without blanks, or with another operator.
    #[error("`{text}` is not a dependency: write `{meant}`")]
    Notation {
        /// The text.
        text: String,
        /// The same as RPM writes it.
        meant: String,
    },
    /// The version is invalid.
    #[error("`{text}` is not a dependency: {reason}")]
    Version {
        /// The text.
        text: String,
        /// What is wrong with the version.
        reason: InvalidVersion,
    },
    /// RPM refuses file paths with a version.
    #[error("`{text}` is not a dependency: a file has no version; name the package instead")]
    VersionedPath {
        /// The text.
        text: String,
    },
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

    /// Whether the capability is generated from files of packages, and so unknown before they are built: a path, `libz.so.1()(64bit)`,
    /// `pkgconfig(zlib)`.
    pub fn is_found_in_files(&self) -> bool {
        self.capability.starts_with('/') || self.capability.contains('(')
    }
}

impl FromStr for Dependency {
    type Err = InvalidDependency;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words[..] {
            [capability] if is_capability(capability) => Ok(Self::any(capability)),
            [capability, operator, version] if is_capability(capability) && Comparison::parse(operator).is_some() => {
                let comparison = Comparison::parse(operator).expect("it was just parsed");
                constrained(text, capability, comparison, version)
            }
            _ => Err(match in_other_notation(text) {
                Some((capability, comparison, version)) => match constrained(text, capability, comparison, version) {
                    Ok(meant) => InvalidDependency::Notation { text: text.to_owned(), meant: meant.to_string() },
                    Err(error) => error,
                },
                None => InvalidDependency::Unreadable { text: text.to_owned() },
            }),
        }
    }
}

fn constrained(text: &str, capability: &str, comparison: Comparison, version: &str) -> Result<Dependency, InvalidDependency> {
    if capability.starts_with('/') {
        return Err(InvalidDependency::VersionedPath { text: text.to_owned() });
    }
    check_evr(version).map_err(|reason| InvalidDependency::Version { text: text.to_owned(), reason })?;
    Ok(Dependency { capability: capability.to_owned(), constraint: Some((comparison, version.to_owned())) })
}

/// A path, or a name that may end in parentheses. RPM does not allow operators, commas and the like elsewhere.
fn is_capability(word: &str) -> bool {
    if !word.bytes().all(|byte| byte.is_ascii_graphic()) {
        return false;
    }
    if let Some(path) = word.strip_prefix('/') {
        return !path.is_empty() && !path.contains(['<', '=', '>']);
    }
    let (name, rest) = word.split_at(word.find('(').unwrap_or(word.len()));
    let begins_well = name.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_');
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte)) && !name.contains("..");
    let closes = rest.is_empty() || rest.ends_with(')') && rest.matches('(').count() == rest.matches(')').count();
    begins_well && is_name && closes
}

/// The parts of `zlib<2`, `zlib >=2`, `zlib == 2`, `zlib => 2` and, as Debian writes it, `zlib (>= 2)`.
fn in_other_notation(text: &str) -> Option<(&str, Comparison, &str)> {
    let is_operator = |c: char| matches!(c, '<' | '=' | '>');
    let start = text.find(is_operator)?;
    let length = text[start..].find(|c| !is_operator(c))?;
    let comparison = Comparison::meant(&text[start..start + length])?;
    let (before, after) = (text[..start].trim_end(), text[start + length..].trim());
    let (capability, version) = match (before.strip_suffix('('), after.strip_suffix(')')) {
        (Some(before), Some(after)) => (before.trim_end(), after.trim_end()),
        _ => (before, after),
    };
    let capability = capability.trim_start();
    (is_capability(capability) && !version.is_empty() && !version.contains(char::is_whitespace))
        .then_some((capability, comparison, version))
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
    fn dependencies_round_trip() {
        for good in [
            "bash",
            "systemd >= 257",
            "old < 2:1.0-3",
            "odd-v = 3:1.0~rc1+git^2-1.kn1",
            "/usr/bin/sh",
            "libz.so.1()(64bit)",
            "libc.so.6(GLIBC_2.38)(64bit)",
            "pkgconfig(zlib) = 1.3",
            "font(:lang=en)",
        ] {
            assert_eq!(good.parse::<Dependency>().unwrap().to_string(), good);
        }
        assert_eq!(" systemd  >=\t257 ".parse::<Dependency>().unwrap().to_string(), "systemd >= 257");
        for bad in ["", "a b", "a >= ", "a >= 1 2", "-x", "a\u{e4}", "a,b", "a, b", "pkgconfig(zlib", "/", "(a or b)", "a..b", "a!=1"] {
            let error = bad.parse::<Dependency>().unwrap_err();
            assert!(matches!(error, InvalidDependency::Unreadable { .. }), "{bad}: {error}");
        }
    }

    #[test]
    fn other_notations_are_never_names() {
        for (text, expected) in [
            ("zlib<2", "zlib < 2"),
            ("zlib>=1", "zlib >= 1"),
            ("zlib =1", "zlib = 1"),
            ("zlib= 1", "zlib = 1"),
            ("zlib == 1", "zlib = 1"),
            ("zlib=>1", "zlib >= 1"),
            ("zlib << 1", "zlib < 1"),
            ("zlib (>= 1:2-3)", "zlib >= 1:2-3"),
            ("pkgconfig(zlib)>1", "pkgconfig(zlib) > 1"),
        ] {
            let meant = match text.parse::<Dependency>() {
                Err(InvalidDependency::Notation { meant, .. }) => meant,
                other => panic!("{text}: {other:?}"),
            };
            assert_eq!(meant, expected, "{text}");
        }
    }

    #[test]
    fn versions_are_checked() {
        for text in ["a >= x:1", "a >= 1-2-3", "a<1..2", "a = {version}", "a >= 1/2"] {
            assert!(matches!(text.parse::<Dependency>(), Err(InvalidDependency::Version { .. })), "{text}");
        }
        for text in ["/usr/bin/sh >= 5", "/usr/bin/sh>=5"] {
            assert!(matches!(text.parse::<Dependency>(), Err(InvalidDependency::VersionedPath { .. })), "{text}");
        }
    }
}
