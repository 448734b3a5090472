//! Which directories a package owns.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::Entry;
use super::usrmerge::parent;
use planning::spec::Content;

/// Directories of the package `filesystem`, on which everything else stands. No other package owns them, unless it declares them.
const STANDARD: [&str; 31] = [
    "/boot",
    "/dev",
    "/etc",
    "/etc/opt",
    "/etc/profile.d",
    "/etc/skel",
    "/home",
    "/media",
    "/mnt",
    "/opt",
    "/proc",
    "/root",
    "/run",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/lib/modules",
    "/usr/local",
    "/usr/local/bin",
    "/usr/local/lib",
    "/usr/share",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/log",
    "/var/opt",
    "/var/spool",
    "/var/tmp",
];

/// Directories whose content is gone after a start, or belongs to the running system or the build: an empty directory there is not
/// part of a package, and a file there is an error.
const VOLATILE: [&str; 9] = ["/build", "/dev", "/proc", "/run", "/sys", "/tmp", "/var/lock", "/var/run", "/var/tmp"];

/// Whether `path` is a directory of the package `filesystem`.
pub fn is_standard(path: &str) -> bool {
    STANDARD.contains(&path)
}

/// Whether `path` is, or lies below, a directory in which no package has anything.
pub fn is_volatile(path: &str) -> bool {
    VOLATILE.iter().any(|volatile| path.strip_prefix(volatile).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// The directories above `path`, the nearest first, without the root.
pub fn above(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(parent(path)), |directory| Some(parent(directory))).take_while(|directory| !directory.is_empty())
}

/// The directories above a package's entries that are not standard ones. Packages that share a directory all own it.
pub fn owned_directories(package: &Content, entries: &BTreeMap<String, Entry>) -> BTreeSet<String> {
    let is_owned = |path: &str| package.name.as_str() == "filesystem" || !is_standard(path);
    let mut owned = BTreeSet::new();
    for path in entries.keys() {
        for directory in above(path) {
            if is_owned(directory) && !owned.insert(directory.to_owned()) {
                break;
            }
        }
    }
    owned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_directories_are_those_of_the_package_filesystem() {
        let text = include_str!("../../../specs/filesystem/package.toml");
        let spec = planning::spec::parse(&"filesystem".parse().unwrap(), "package.toml", text).unwrap();
        assert_eq!(spec.directories.keys().map(String::as_str).collect::<Vec<_>>(), STANDARD);
    }
}
