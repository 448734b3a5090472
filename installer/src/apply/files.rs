//! Files that stand for disks.

use std::fs::OpenOptions;
use std::path::Path;

use super::ApplyError;

/// Makes a file of this size, which must not be there, that takes room only where something is written.
pub(super) fn make_sparse(path: &Path, size_bytes: u64) -> Result<(), ApplyError> {
    let file = OpenOptions::new().create_new(true).write(true).open(path);
    file.and_then(|file| file.set_len(size_bytes)).map_err(ApplyError::io("make", path))
}
