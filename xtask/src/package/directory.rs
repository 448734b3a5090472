//! Which directories a package owns.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::Entry;
use super::usrmerge::parent;
use crate::spec::Content;

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

/// The directories above a package's entries that are not standard ones. Packages that share a directory all own it.
pub fn owned_directories(package: &Content, entries: &BTreeMap<String, Entry>) -> BTreeSet<String> {
    let is_owned = |path: &str| package.name.as_str() == "filesystem" || !STANDARD.contains(&path);
    let mut owned = BTreeSet::new();
    for path in entries.keys() {
        let mut directory = parent(path);
        while !directory.is_empty() {
            if is_owned(directory) && !owned.insert(directory.to_owned()) {
                break;
            }
            directory = parent(directory);
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
        let spec = crate::spec::parse(&"filesystem".parse().unwrap(), "package.toml", text).unwrap();
        assert_eq!(spec.directories.keys().map(String::as_str).collect::<Vec<_>>(), STANDARD);
    }
}
