//! Further files on a medium.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::{IsoError, make_parent};
use runtime::store::StoreError;

/// Puts a file, a link or a directory with its content at `to`, as hard links where possible.
pub(super) fn lay(from: &Path, to: &Path) -> Result<(), IsoError> {
    let read = |source| StoreError::io("read", from, source);
    let write = |source| StoreError::io("write", to, source);
    let kind = fs::symlink_metadata(from).map_err(read)?.file_type();
    if kind.is_dir() {
        fs::create_dir_all(to).map_err(write)?;
        for entry in fs::read_dir(from).map_err(read)? {
            let entry = entry.map_err(read)?;
            lay(&entry.path(), &to.join(entry.file_name()))?;
        }
        return Ok(());
    }
    make_parent(to)?;
    if kind.is_symlink() {
        return Ok(symlink(fs::read_link(from).map_err(read)?, to).map_err(write)?);
    }
    Ok(fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(drop)).map_err(write)?)
}
