//! Scripts and additional files.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::{ApplyError, Target};

/// Copies a file, or a directory with all that is in it, to a path of the installed system; all of it is root's.
pub(super) fn copy(source: &Path, to: &str, target: &Target) -> Result<(), ApplyError> {
    let kind = fs::symlink_metadata(source).map_err(ApplyError::io("read", source))?;
    if kind.is_symlink() {
        let link = fs::read_link(source).map_err(ApplyError::io("read", source))?;
        return target.symlink(to, &link.to_string_lossy());
    }
    if !kind.is_dir() {
        return target.write(to, kind.permissions().mode() & 0o777, &read(source)?);
    }
    target.directory(to, kind.permissions().mode() & 0o777)?;
    let entries = fs::read_dir(source).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(ApplyError::io("read", source))?;
    let mut names: Vec<_> = entries.iter().map(fs::DirEntry::file_name).collect();
    names.sort();
    names.iter().try_for_each(|name| copy(&source.join(name), &format!("{}/{}", to.trim_end_matches('/'), name.to_string_lossy()), target))
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, ApplyError> {
    fs::read(path).map_err(ApplyError::io("read", path))
}

/// Makes a file of this size, which must not be there, that takes room only where something is written.
pub(super) fn make_sparse(path: &Path, size_bytes: u64) -> Result<(), ApplyError> {
    let file = OpenOptions::new().create_new(true).write(true).open(path);
    file.and_then(|file| file.set_len(size_bytes)).map_err(ApplyError::io("make", path))
}
