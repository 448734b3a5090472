//! What is known of a package before it is installed, from its header or from repository metadata.

mod details;
mod file;
mod provided;

use std::fmt;

pub use details::Details;
pub use file::{FileFlags, FileKind, PackageFile};
pub use provided::Provided;

use crate::dependency::{Capability, Dependency};
use crate::version::Evr;

/// A package's name, version and architecture: its identity in a repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Nevra {
    /// The name.
    pub name: String,
    /// Epoch, version and release.
    pub evr: Evr,
    /// The architecture: `x86_64`, `noarch`.
    pub arch: String,
}

impl Nevra {
    /// Whether this package may stand in the place of an installed one: they bear the same name, and their architectures do not
    /// live side by side, as those of a multilib system do.
    pub fn may_replace(&self, old: &Self) -> bool {
        self.name == old.name && (self.arch == old.arch || self.arch == "noarch" || old.arch == "noarch")
    }
}

/// A longer name or version makes no file name.
const LONGEST_WORD: usize = 200;

/// Whether a text can be a name, version, release or architecture: each becomes a part of file names and lines of text.
pub(crate) fn is_word(text: &str) -> bool {
    let wrong = |c: char| c == '/' || c.is_whitespace() || c.is_control();
    !text.is_empty() && !text.starts_with('.') && text.len() <= LONGEST_WORD && !text.contains(wrong)
}

/// A text that is a line by its meaning, as one: ends of lines and other control characters count as blanks.
pub(crate) fn one_line(text: &str) -> String {
    if !text.contains(char::is_control) {
        return text.to_owned();
    }
    let words = text.split(|c: char| c.is_control() || c.is_whitespace());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

impl fmt::Display for Nevra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}.{}", self.name, self.evr, self.arch)
    }
}

/// A package as the solver sees it.
#[derive(Clone, Debug)]
pub struct Package {
    /// Its identity.
    pub nevra: Nevra,
    /// What it provides, its own name and version included.
    pub provides: Vec<Capability>,
    /// What must be installed with it.
    pub requires: Vec<Dependency>,
    /// What must not be installed with it.
    pub conflicts: Vec<Dependency>,
    /// Packages, by name, that it replaces.
    pub obsoletes: Vec<Capability>,
    /// What is installed with it where that is possible.
    pub recommends: Vec<Dependency>,
    /// What it wants to be installed with, where that is possible: the reverse of `recommends`.
    pub supplements: Vec<Dependency>,
    /// The paths it contains, sorted. From a repository's primary metadata only those that dependencies usually name (`/etc`, `/usr/bin`, …).
    pub paths: Vec<String>,
    /// What its files take when installed, in bytes, as the header says.
    pub installed_size_bytes: u64,
    /// The size of the package file, in bytes.
    pub package_size_bytes: u64,
}

impl Package {
    /// Whether it provides `wanted` by a provide or, where `wanted` is a bare path, by a file.
    pub fn satisfies(&self, wanted: &Capability) -> bool {
        let by_path = || {
            wanted.range.is_none()
                && wanted.name.starts_with('/')
                && self.paths.binary_search_by(|path| path.as_str().cmp(&wanted.name)).is_ok()
        };
        self.provides.iter().any(|provided| wanted.satisfied_by(provided)) || by_path()
    }

    /// Whether its own name and version match `wanted`, as obsoletes do.
    pub fn is_named(&self, wanted: &Capability) -> bool {
        use crate::dependency::Comparison::Equal;
        self.nevra.name == wanted.name && wanted.satisfied_by(&Capability::ranged(&self.nevra.name, Equal, self.nevra.evr.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_no_ends() {
        let table = [("", ""), ("a  b ", "a  b "), ("\n a\r\nb\t", "a b"), ("a\u{1b}[2Jb", "a [2Jb"), ("\u{9b}31m", "31m"), ("\0", "")];
        for (text, expected) in table {
            assert_eq!(one_line(text), expected, "{text:?}");
        }
    }
}
