//! Distinguishes file systems without free inodes from full ones: both report the same error, `ENOSPC`.

use std::io;
use std::path::{Path, PathBuf};

use nix::sys::statvfs::{Statvfs, statvfs};

/// The hint if there are no inodes left.
pub const MORE_INODES: &str = "`df -i` shows the inodes of all file systems: remove files (`cargo xtask gc` removes what nothing needs), or set \
    KAON_STORE to a directory on another file system; then run the same command again: what was built is kept";

/// All inodes of a file system are in use.
#[derive(Debug, thiserror::Error)]
#[error("no inodes left on the file system of `{}`", path.display())]
pub struct NoInodes {
    path: PathBuf,
}

/// The error `source` of writing at `path`; if the device is full only because of inodes, a [`NoInodes`] instead.
pub fn explained(source: io::Error, path: &Path) -> io::Error {
    let explain = source.kind() == io::ErrorKind::StorageFull && source.get_ref().is_none() && inodes_used_up(path);
    if explain { io::Error::new(io::ErrorKind::StorageFull, NoInodes { path: path.to_owned() }) } else { source }
}

/// Whether all inodes are in use on the file system of `path`, or of the nearest directory above it that exists.
pub fn inodes_used_up(path: &Path) -> bool {
    path.ancestors().find_map(|place| statvfs(place).ok()).is_some_and(|disk| inodes_left(&disk) == Some(0))
}

/// How many inodes this process may still use; `None` if the file system creates them as needed and reports no number, as btrfs does.
pub fn inodes_left(disk: &Statvfs) -> Option<u64> {
    (disk.files() > 0).then(|| disk.files_available())
}
