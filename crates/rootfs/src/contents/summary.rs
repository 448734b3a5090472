//! A summary of an image's contents.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use rpm_engine::manifest::{Entry, Kind};
use serde::Serialize;

use super::{Contents, privileges};
use crate::MADE_HERE;

/// The summary of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The kernel's release.
    pub kernel: Option<String>,
    /// Number of files, links and directories.
    pub paths: usize,
    /// Bytes of all files.
    pub size_bytes: u64,
    /// The size of each package, the largest first.
    pub packages: Vec<Share>,
    /// The size of each directory of the first two levels, the largest first.
    pub directories: Vec<Share>,
    /// The largest files.
    pub files: Vec<Share>,
    /// Files that give privileges to the user who runs them.
    pub privileged: Vec<Privileged>,
    /// Enabled units, and what wants them.
    pub units: Vec<String>,
}

/// A part of the whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Share {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub bytes: u64,
}

/// A file that gives privileges to the user who runs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Privileged {
    /// The file.
    pub path: String,
    /// The privileges.
    pub privileges: String,
}

/// Summarises an image, with its `count` largest files.
pub fn summary(contents: &Contents, count: usize) -> Summary {
    let entries = || contents.manifest.iter();
    let nevra: BTreeMap<&str, &str> = contents.packages.iter().map(|package| (&*package.name, &*package.nevra)).collect();
    let package = |entry: &Entry| {
        let name = entry.package.as_deref().unwrap_or(MADE_HERE);
        (*nevra.get(name).unwrap_or(&name)).to_owned()
    };
    let is_file = |entry: &Entry| matches!(entry.kind, Kind::File { .. });
    let mut files = shares(entries().map(|(path, entry)| (path.to_owned(), entry.size_bytes())));
    files.truncate(count);
    let privileged =
        entries().filter_map(|(path, entry)| Some(Privileged { path: path.to_owned(), privileges: privileges(entry)? })).collect();
    Summary {
        kernel: contents.kernel.as_ref().map(|kernel| kernel.release.clone()),
        paths: contents.manifest.len(),
        size_bytes: contents.manifest.size_bytes(),
        packages: shares(entries().map(|(_, entry)| (package(entry), entry.size_bytes()))),
        directories: shares(
            entries().filter(|(_, entry)| is_file(entry)).map(|(path, entry)| (folder(path).to_owned(), entry.size_bytes())),
        ),
        files,
        privileged,
        units: contents.enabled_units().into_iter().collect(),
    }
}

/// The first two directories of a path, or the first if there is only one.
fn folder(path: &str) -> &str {
    let ends = path.match_indices('/').map(|(at, _)| at).skip(1);
    ends.take(2).last().map_or("/", |end| &path[..end])
}

fn shares(parts: impl Iterator<Item = (String, u64)>) -> Vec<Share> {
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for (name, bytes) in parts {
        *sums.entry(name).or_default() += bytes;
    }
    let mut shares: Vec<Share> = sums.into_iter().map(|(name, bytes)| Share { name, bytes }).collect();
    shares.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
    shares
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:.1} MiB in {} paths", mib(self.size_bytes), self.paths)?;
        if let Some(kernel) = &self.kernel {
            writeln!(f, "kernel {kernel}")?;
        }
        for (title, shares) in [("packages", &self.packages), ("directories", &self.directories), ("largest files", &self.files)] {
            let lines = shares.iter().fold(String::new(), |mut text, share| {
                let _ = writeln!(text, "{:9.2} MiB  {}", mib(share.bytes), share.name);
                text
            });
            write!(f, "\n{title}\n{lines}")?;
        }
        writeln!(f, "\nprivileged files")?;
        self.privileged.iter().try_for_each(|file| writeln!(f, "  {}  {}", file.path, file.privileges))?;
        writeln!(f, "\nenabled units")?;
        self.units.iter().try_for_each(|unit| writeln!(f, "  {unit}"))
    }
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contents::tests::sample;

    #[test]
    fn sizes_are_listed_by_package_and_directory() {
        let summary = summary(&sample(), 1);
        let share = |name: &str, bytes| Share { name: name.into(), bytes };
        assert_eq!(summary.packages, [share("tool-1-1.kn1.x86_64", 1050), share(MADE_HERE, 7)]);
        assert_eq!(summary.directories, [share("/usr/bin", 1000), share("/usr/share", 50), share("/etc", 7)]);
        assert_eq!(summary.files, [share("/usr/bin/tool", 1000)]);
        assert_eq!(summary.privileged, [Privileged { path: "/usr/bin/tool".into(), privileges: "setuid root".into() }]);
    }
}
