//! Files that are next to a spec.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde::Serialize;
use walkdir::WalkDir;

use super::ProjectError;
use base::digest::Digest;

/// What of a file goes into a key: its content and whether it is executable. Its time, owner and other mode bits depend on who checked it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LocalFile {
    /// SHA-256 of the content.
    pub digest: Digest,
    /// Whether its owner may execute it.
    pub executable: bool,
}

/// All regular files below `folder` but `package.toml`, by relative path. Editors' droppings (`*~`, `.*`) are passed over.
///
/// # Errors
/// When one cannot be read.
pub fn local_files(folder: &Path) -> Result<BTreeMap<String, LocalFile>, ProjectError> {
    let mut files = BTreeMap::new();
    let visible = |name: &str| !name.starts_with('.') && !name.ends_with('~') && name != "target";
    let walk = WalkDir::new(folder).min_depth(1).into_iter().filter_entry(|entry| visible(&entry.file_name().to_string_lossy()));
    for entry in walk {
        let entry = entry.map_err(|error| ProjectError::Io { path: folder.to_owned(), source: error.into() })?;
        let relative = entry.path().strip_prefix(folder).unwrap_or(entry.path()).to_string_lossy().into_owned();
        if !entry.file_type().is_file() || relative == "package.toml" {
            continue;
        }
        let read = || -> std::io::Result<LocalFile> {
            let executable = entry.metadata()?.permissions().mode() & 0o100 != 0;
            Ok(LocalFile { digest: Digest::of_file(entry.path())?, executable })
        };
        let file = read().map_err(|source| ProjectError::Io { path: entry.path().to_owned(), source })?;
        files.insert(relative, file);
    }
    Ok(files)
}
