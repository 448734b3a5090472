//! What the files of a package are, by their names.

use std::fmt;

use super::upstream::{without_epoch, without_revision};

/// The kind of a file of a source package (dpkg-source(1)), or a binary package. The same part of another version is the file that replaces
/// it, whatever its compression.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Upstream's archive: `.orig.tar`.
    Upstream,
    /// A further archive of upstream's: `cli` for `.orig-cli.tar`.
    Component(String),
    /// The archive of Debian's own changes: `.debian.tar`.
    Packaging,
    /// The only archive of a package without an upstream: `.tar`.
    Native,
    /// The binary package for an architecture.
    Binary(String),
    /// Any other file, by its name.
    Other(String),
}

const COMPRESSIONS: [&str; 5] = ["gz", "bz2", "xz", "lzma", "zst"];

impl Part {
    /// What `file` is of a version of a source package.
    pub fn of_source(package: &str, version: &str, file: &str) -> Self {
        Self::tail(package, version, file).and_then(Self::of_tail).unwrap_or_else(|| Self::Other(file.to_owned()))
    }

    /// What follows the version in a file's name. Upstream's archives have no revision in theirs.
    fn tail<'a>(package: &str, version: &str, file: &'a str) -> Option<&'a str> {
        let rest = file.strip_prefix(package)?.strip_prefix('_')?;
        let version = without_epoch(version);
        let after = |version: &str| rest.strip_prefix(version).filter(|tail| tail.starts_with('.'));
        after(version).or_else(|| after(without_revision(version)))
    }

    fn of_tail(tail: &str) -> Option<Self> {
        let (stem, compression) = tail.rsplit_once('.')?;
        if !COMPRESSIONS.contains(&compression) {
            return None;
        }
        match stem {
            ".orig.tar" => Some(Self::Upstream),
            ".debian.tar" => Some(Self::Packaging),
            ".tar" => Some(Self::Native),
            other => Some(Self::Component(other.strip_prefix(".orig-")?.strip_suffix(".tar")?.to_owned())),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Upstream => f.write_str(".orig.tar"),
            Self::Component(name) => write!(f, ".orig-{name}.tar"),
            Self::Packaging => f.write_str(".debian.tar"),
            Self::Native => f.write_str(".tar"),
            Self::Binary(arch) => write!(f, "_{arch}.deb"),
            Self::Other(file) => f.write_str(file),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_by_names() {
        let component = |name: &str| Part::Component(name.into());
        let other = |name: &str| Part::Other(name.into());
        for (package, version, file, expected) in [
            ("bash", "5.2.37-2", "bash_5.2.37.orig.tar.xz", Part::Upstream),
            ("bash", "5.2.37-2", "bash_5.2.37-2.debian.tar.xz", Part::Packaging),
            ("openssh", "1:10.0p1-7", "openssh_10.0p1.orig.tar.gz", Part::Upstream),
            ("docker.io", "26.1.5+dfsg1-9", "docker.io_26.1.5+dfsg1.orig-cli.tar.xz", component("cli")),
            ("ca-certificates", "20250419", "ca-certificates_20250419.tar.xz", Part::Native),
            ("linux", "6.1-rc1-1", "linux_6.1-rc1.orig.tar.xz", Part::Upstream),
            ("bash", "5.2.37-2", "bash_5.2.37-2.dsc", other("bash_5.2.37-2.dsc")),
            ("bash", "5.2.37-2", "bash_5.2.37.orig.tar.xz.asc", other("bash_5.2.37.orig.tar.xz.asc")),
            ("bash", "5.2.37-2", "bash_5.2.36.orig.tar.xz", other("bash_5.2.36.orig.tar.xz")),
            ("bash", "5.2-2", "bash_5.2-2.diff.gz", other("bash_5.2-2.diff.gz")),
            ("bash", "5.2-2", "bash-doc_5.2.orig.tar.xz", other("bash-doc_5.2.orig.tar.xz")),
            ("bash", "5.2-2", "bash_5.20.orig.tar.xz", other("bash_5.20.orig.tar.xz")),
        ] {
            assert_eq!(Part::of_source(package, version, file), expected, "{file}");
        }
    }
}
