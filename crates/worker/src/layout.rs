//! The directories that a build uses on its machine.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use planning::recipe::{LICENCES, SPEC_FILES, WORKSPACE};
use runtime::store::StoreError;

/// Where a build's installed files are, below the directory it runs in.
pub const INSTALLED: &str = "build/out";

/// The directory with the files next to the spec, of a build in `at`. The build may change them.
pub fn files(at: &Path) -> PathBuf {
    below(at, SPEC_FILES)
}

/// The directory with the crates of the project, of a build in `at`.
pub fn workspace(at: &Path) -> PathBuf {
    below(at, WORKSPACE)
}

/// The directory in which a build in `at` collected the licence texts of its sources.
pub fn licences(at: &Path) -> PathBuf {
    below(at, LICENCES)
}

/// The directory for the packages of a build in `at`.
pub fn packages(at: &Path) -> PathBuf {
    at.join("packages")
}

/// Creates the directories of a build in `at`.
///
/// # Errors
/// When one cannot be created.
pub fn lay_out(at: &Path) -> Result<(), StoreError> {
    for path in [&at.join(INSTALLED), &at.join("upper"), &at.join("work"), &packages(at), &workspace(at), &files(at)] {
        fs::create_dir_all(path).map_err(|source| StoreError::io("make", path, source))?;
    }
    // The umask must not affect what the build makes, nor the set-group-id bit of the store's directory, which is inherited.
    for path in [at.join("build"), at.join(INSTALLED)] {
        fs::set_permissions(&path, Permissions::from_mode(0o755)).map_err(|source| StoreError::io("open up", &path, source))?;
    }
    Ok(())
}

fn below(at: &Path, path: &str) -> PathBuf {
    at.join(path.trim_start_matches('/'))
}
