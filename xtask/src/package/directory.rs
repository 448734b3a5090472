//! Which directories a package owns.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::Entry;
use super::usrmerge::parent;
use crate::spec::Content;

/// Directories of the package `filesystem`, which everything else stands on. No other package owns them, unless it declares them.
const STANDARD: [&str; 52] = [
    "/boot",
    "/dev",
    "/etc",
    "/etc/profile.d",
    "/etc/systemd",
    "/home",
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
    "/usr/include",
    "/usr/lib",
    "/usr/lib/environment.d",
    "/usr/lib/firmware",
    "/usr/lib/modprobe.d",
    "/usr/lib/modules",
    "/usr/lib/modules-load.d",
    "/usr/lib/pkgconfig",
    "/usr/lib/sysctl.d",
    "/usr/lib/systemd",
    "/usr/lib/systemd/network",
    "/usr/lib/systemd/system",
    "/usr/lib/systemd/system-preset",
    "/usr/lib/systemd/user",
    "/usr/lib/sysusers.d",
    "/usr/lib/tmpfiles.d",
    "/usr/lib/udev",
    "/usr/lib/udev/rules.d",
    "/usr/libexec",
    "/usr/local",
    "/usr/share",
    "/usr/share/dbus-1",
    "/usr/share/dbus-1/system-services",
    "/usr/share/dbus-1/system.d",
    "/usr/share/licenses",
    "/usr/share/misc",
    "/usr/share/pkgconfig",
    "/usr/src",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/log",
    "/var/opt",
    "/var/spool",
    "/var/tmp",
    "/",
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
