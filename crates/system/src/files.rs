//! Files of this system that are copied into another root.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::{SystemError, Target};

/// Copies a file, or a directory with all that is in it, to a path of the installed system; all of it is root's.
///
/// # Errors
/// When something cannot be read or written.
pub fn copy(source: &Path, to: &str, target: &Target) -> Result<(), SystemError> {
    let kind = fs::symlink_metadata(source).map_err(SystemError::io("read", source))?;
    if kind.is_symlink() {
        let link = fs::read_link(source).map_err(SystemError::io("read", source))?;
        return target.symlink(to, &link.to_string_lossy());
    }
    if !kind.is_dir() {
        return target.write(to, kind.permissions().mode() & 0o777, &read(source)?);
    }
    target.directory(to, kind.permissions().mode() & 0o777)?;
    let entries = fs::read_dir(source).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(SystemError::io("read", source))?;
    let mut names: Vec<_> = entries.iter().map(fs::DirEntry::file_name).collect();
    names.sort();
    names.iter().try_for_each(|name| copy(&source.join(name), &format!("{}/{}", to.trim_end_matches('/'), name.to_string_lossy()), target))
}

/// The content of a file.
///
/// # Errors
/// When it cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>, SystemError> {
    fs::read(path).map_err(SystemError::io("read", path))
}
