//! Partitions by hand.

use super::Ask;
use crate::kickstart::{FileSystem, Kickstart, Partition};

/// `MOUNTPOINT SIZE [FILESYSTEM]`, or nothing more.
pub(super) fn partition(kickstart: &mut Kickstart, text: &str) -> Result<Ask, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (at, given, kind) = match words[..] {
        [] if kickstart.partitions.iter().any(|partition| partition.mountpoint.as_deref() == Some("/")) => return Ok(Ask::Packages),
        [] => return Err("one partition must be mounted at `/`".into()),
        [at, size] => (at, size, "ext4"),
        [at, size, kind] => (at, size, kind),
        _ => return Err("give MOUNTPOINT SIZE [FILESYSTEM]".into()),
    };
    let filesystem = match (at, kind) {
        ("swap", _) | (_, "swap") => FileSystem::Swap,
        (_, "ext4") => FileSystem::Ext4,
        (_, "xfs") => FileSystem::Xfs,
        (_, "btrfs") => FileSystem::Btrfs,
        (_, "vfat") => FileSystem::Vfat,
        _ => return Err(format!("`{kind}` is none of ext4, xfs, btrfs, vfat, swap")),
    };
    let wrong = || format!("`{given}` is no size such as `1024`, `20%` or `rest`");
    let (size, sizepercent) = match given.strip_suffix('%') {
        Some(percent) => (None, Some(percent.parse().map_err(|_| wrong())?)),
        None if given == "rest" => (Some(0), None),
        None => (Some(given.parse().ok().filter(|mib| *mib > 0).ok_or_else(wrong)?), None),
    };
    let mountpoint = (filesystem != FileSystem::Swap).then(|| at.to_owned());
    kickstart.partitions.push(Partition { mountpoint, size, sizepercent, filesystem, disk_id: None, mkfs_options: None, fs_options: None });
    // A root that is still to come is no mistake yet.
    let wrong = kickstart.complaints().into_iter().find(|(path, _)| path.starts_with("partitions["));
    wrong.map_or(Ok(Ask::Partition), |(_, message)| Err(message))
}
