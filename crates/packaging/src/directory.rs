//! Which directories a package owns.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::Entry;
use super::usrmerge::parent;
use planning::spec::Content;

/// Directories of the package `filesystem`, which everything requires. Other packages own them only if they declare them.
const STANDARD: [&str; 32] = [
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
    "/usr/share/licenses",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/log",
    "/var/opt",
    "/var/spool",
    "/var/tmp",
];

/// Directories whose content is lost at a restart, or belongs to the running system or the build. Packages do not contain empty directories
/// there, and a file there is an error.
const VOLATILE: [&str; 9] = ["/build", "/dev", "/proc", "/run", "/sys", "/tmp", "/var/lock", "/var/run", "/var/tmp"];

/// Directories of `/usr` that packages have files in: those of file-hierarchy(7), and two that are optional in the Filesystem Hierarchy
/// Standard 3.0, 4.3 and 4.7.
const OF_USR: [&str; 6] = ["bin", "include", "lib", "libexec", "share", "src"];

/// Directories of `/opt` that are the administrator's (Filesystem Hierarchy Standard 3.0, 3.13.2).
const RESERVED_OF_OPT: [&str; 6] = ["bin", "doc", "include", "info", "lib", "man"];

/// The reserved directory at or above `path`, in which packages must not install files: it belongs to the administrator, to users or to the
/// running system, or no program searches it (file-hierarchy(7); Filesystem Hierarchy Standard 3.0).
pub fn reserved(path: &str) -> Option<&str> {
    let mut ends = path.match_indices('/').map(|(at, _)| at).skip(1).chain([path.len()]);
    let top = &path[..ends.next()?];
    let second = ends.next().map(|end| &path[..end]);
    let name = second.map(|second| &second[top.len() + 1..]);
    let is_ours = match (top, name) {
        ("/boot" | "/etc", _) | ("/opt" | "/usr" | "/var", None) => true,
        ("/opt", Some(name)) => !RESERVED_OF_OPT.contains(&name),
        ("/usr", Some(name)) => OF_USR.contains(&name),
        ("/var", Some(name)) => name != "local",
        _ => return Some(top),
    };
    if is_ours { None } else { second }
}

/// Whether `path` is a directory of the package `filesystem`.
pub fn is_standard(path: &str) -> bool {
    STANDARD.contains(&path)
}

/// Whether `path` is, or is below, a volatile directory.
pub fn is_volatile(path: &str) -> bool {
    VOLATILE.iter().any(|volatile| path.strip_prefix(volatile).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// The directories above `path`, nearest first, without the root.
pub fn above(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(parent(path)), |directory| Some(parent(directory))).take_while(|directory| !directory.is_empty())
}

/// The directories above a package's entries that are not standard directories. Packages that share a directory all own it.
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
    fn reserved_directories() {
        for (path, expected) in [
            ("/usr/bin/x", None),
            ("/usr/lib/x/y", None),
            ("/usr/libexec/x", None),
            ("/usr/src/x", None),
            ("/etc/x", None),
            ("/boot/x", None),
            ("/var/lib/x", None),
            ("/var/empty", None),
            ("/opt/x", None),
            ("/opt/x/bin/y", None),
            ("/opt/bin/x", Some("/opt/bin")),
            ("/usr/local/bin/x", Some("/usr/local")),
            ("/usr/etc/x", Some("/usr/etc")),
            ("/usr/lib32/x", Some("/usr/lib32")),
            ("/usr/libx32/x", Some("/usr/libx32")),
            ("/usr/x", Some("/usr/x")),
            ("/var/local/x", Some("/var/local")),
            ("/home/x/y", Some("/home")),
            ("/root/x", Some("/root")),
            ("/srv/www/x", Some("/srv")),
            ("/mnt/x", Some("/mnt")),
            ("/media/x", Some("/media")),
            ("/nix/store/x", Some("/nix")),
            ("/run/x", Some("/run")),
            ("/lib32/x", Some("/lib32")),
            ("/x", Some("/x")),
        ] {
            assert_eq!(reserved(path), expected, "{path}");
        }
    }

    #[test]
    fn the_standard_directories_are_those_of_the_package_filesystem() {
        let text = include_str!("../../../specs/filesystem/package.toml");
        let spec = planning::spec::parse(&"filesystem".parse().unwrap(), "package.toml", text).unwrap();
        assert_eq!(spec.directories.keys().map(String::as_str).collect::<Vec<_>>(), STANDARD);
    }
}
