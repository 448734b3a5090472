//! Removes what dead processes left.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::collect::read;
use super::tally::Tally;
use super::{Store, StoreError};

impl Store {
    /// Removes everything in the scratch area that no living process uses, except what `is_kept` selects.
    ///
    /// # Errors
    /// When the scratch area cannot be read.
    pub(super) fn sweep_but(&self, tally: &mut Tally<'_>, is_kept: &dyn Fn(&Path) -> bool) -> Result<(), StoreError> {
        for path in read(&self.root().join("scratch"))? {
            if is_free(&path) && !is_kept(&path) {
                tally.remove(&path);
            }
        }
        Ok(())
    }
}

/// Whether no process uses a path in the scratch area.
fn is_free(path: &Path) -> bool {
    // Living processes need their files only for moments, so old files are garbage.
    if !fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir()) {
        return is_old(path);
    }
    match File::open(path) {
        // A living owner holds a shared lock on its directory.
        Ok(folder) => folder.try_lock().is_ok(),
        // A living owner would have made it accessible.
        Err(error) => error.kind() == io::ErrorKind::PermissionDenied,
    }
}

fn is_old(path: &Path) -> bool {
    const HOUR_S: u64 = 3600;
    let age = fs::symlink_metadata(path).and_then(|meta| meta.modified()).ok().and_then(|time| time.elapsed().ok());
    age.is_some_and(|age| age.as_secs() > HOUR_S)
}
