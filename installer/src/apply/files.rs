//! Scripts and additional files.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
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

/// Writes a script that nobody else may read, since it may hold secrets.
pub(super) fn write_script(path: &Path, content: &[u8]) -> Result<(), ApplyError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(ApplyError::io("make", folder))?;
    }
    let file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o700).open(path);
    file.and_then(|mut file| file.write_all(content)).map_err(ApplyError::io("write", path))
}

pub(super) fn remove(path: &Path) -> Result<(), ApplyError> {
    fs::remove_file(path).map_err(ApplyError::io("remove", path))
}
