//! What packages provide and what they ask for.

mod rich;

use std::cmp::Ordering;
use std::fmt;

pub use rich::{InvalidRich, Rich};

use crate::version::Evr;

/// How a dependency's version compares with its bound.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord, Hash)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `=`
    Equal,
    /// `>=`
    AtLeast,
    /// `>`
    Greater,
}

impl Comparison {
    /// The operator as written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Equal => "=",
            Self::AtLeast => ">=",
            Self::Greater => ">",
        }
    }

    /// Reads an operator (`<`, `<=`, `=`, `==`, `>=`, `>`), or its name in repository metadata (`LT`, `LE`, `EQ`, `GE`, `GT`).
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "<" | "LT" => Self::Less,
            "<=" | "=<" | "LE" => Self::AtMost,
            "=" | "==" | "EQ" => Self::Equal,
            ">=" | "=>" | "GE" => Self::AtLeast,
            ">" | "GT" => Self::Greater,
            _ => return None,
        })
    }

    fn below(self) -> bool {
        matches!(self, Self::Less | Self::AtMost)
    }

    fn above(self) -> bool {
        matches!(self, Self::Greater | Self::AtLeast)
    }

    fn equal(self) -> bool {
        matches!(self, Self::AtMost | Self::Equal | Self::AtLeast)
    }
}

/// A name with, perhaps, a range of versions: a package's name, a soname, a path, `pkgconfig(zlib)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capability {
    /// The name.
    pub name: String,
    /// The range, if one is given.
    pub range: Option<(Comparison, Evr)>,
}

impl Capability {
    /// Any version of `name`.
    pub fn any(name: impl Into<String>) -> Self {
        Self { name: name.into(), range: None }
    }

    /// `name` within a range.
    pub fn ranged(name: impl Into<String>, comparison: Comparison, evr: Evr) -> Self {
        Self { name: name.into(), range: Some((comparison, evr)) }
    }

    /// Reads `name` or `name operator version`.
    pub fn parse(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words[..] {
            [name] => Some(Self::any(name)),
            [name, operator, evr] => Some(Self::ranged(name, Comparison::parse(operator)?, Evr::parse(evr))),
            _ => None,
        }
    }

    /// Whether this, asked for, is satisfied by `provided`. A range asked for is not satisfied by a provide without a version, as in libsolv.
    pub fn satisfied_by(&self, provided: &Self) -> bool {
        if self.name != provided.name {
            return false;
        }
        match (&self.range, &provided.range) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(wanted), Some(given)) => overlap(wanted, given),
        }
    }
}

/// Whether two ranges share a version (`rpmverOverlap`).
fn overlap((a_comparison, a): &(Comparison, Evr), (b_comparison, b): &(Comparison, Evr)) -> bool {
    let order = match a.compare_version(b) {
        Ordering::Equal => match a.compare_release(b) {
            Some(order) => order,
            None if a.release.is_none() && b.release.is_none() => Ordering::Equal,
            // The side without a release stands for all of them, if it allows equality at all.
            None if (a.release.is_some() && b_comparison.equal()) || (b.release.is_some() && a_comparison.equal()) => return true,
            None => Ordering::Equal,
        },
        order => order,
    };
    match order {
        Ordering::Less => a_comparison.above() || b_comparison.below(),
        Ordering::Greater => a_comparison.below() || b_comparison.above(),
        Ordering::Equal => {
            (a_comparison.equal() && b_comparison.equal())
                || (a_comparison.below() && b_comparison.below())
                || (a_comparison.above() && b_comparison.above())
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.range {
            Some((comparison, evr)) => write!(f, " {} {evr}", comparison.symbol()),
            None => Ok(()),
        }
    }
}

/// What a package asks for: one capability, or a boolean ("rich") expression over several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dependency {
    /// One capability.
    Simple(Capability),
    /// `(a if b)` and the like.
    Rich(Box<Rich>),
}

impl Dependency {
    /// Reads a dependency as written in a spec or in a header's name field.
    ///
    /// # Errors
    /// When it begins with a parenthesis and is not a rich dependency.
    pub fn new(name: &str, range: Option<(Comparison, Evr)>) -> Result<Self, InvalidRich> {
        if name.starts_with('(') {
            return Ok(match Rich::parse(name)? {
                Rich::Leaf(capability) => Self::Simple(capability),
                rich => Self::Rich(Box::new(rich)),
            });
        }
        Ok(Self::Simple(Capability { name: name.to_owned(), range }))
    }
}

impl fmt::Display for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Simple(capability) => capability.fmt(f),
            Self::Rich(rich) => rich.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let table = [
            ("a", "a", true),
            ("a", "a = 1-1", true),
            ("a = 1", "a", false),
            ("a", "b", false),
            ("a = 1", "a = 1-5", true),
            ("a = 1-4", "a = 1-5", false),
            ("a >= 1", "a = 1-5", true),
            ("a > 1", "a = 1-5", false),
            ("a < 1", "a = 1-5", false),
            ("a <= 1", "a = 1-5", true),
            ("a >= 2", "a = 1:1-1", true),
            ("a < 2", "a = 1:1-1", false),
            ("a >= 2", "a <= 3", true),
            ("a >= 3", "a < 3", false),
            ("a < 1.0", "a = 1.0~rc1-1", true),
        ];
        for (wanted, provided, expected) in table {
            let (wanted, provided) = (Capability::parse(wanted).unwrap(), Capability::parse(provided).unwrap());
            assert_eq!(wanted.satisfied_by(&provided), expected, "{wanted} by {provided}");
        }
    }
}
