//! A copy of the project whose specs may be written to.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use walkdir::WalkDir;

use super::BenchError;

/// The folder that is copied; everything else of the project is linked.
const COPIED: &str = "specs";

/// Fills the folder `copy` with the project at `root`.
pub fn copy_project(root: &Path, copy: &Path) -> Result<(), BenchError> {
    let entries = fs::read_dir(root).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(BenchError::io("list", root))?;
    for entry in entries.iter().filter(|entry| entry.file_name() != COPIED) {
        let link = copy.join(entry.file_name());
        symlink(entry.path(), &link).map_err(BenchError::io("make", &link))?;
    }
    copy_tree(&root.join(COPIED), &copy.join(COPIED))
}

/// Copies directories and files, which is all that specs are made of.
fn copy_tree(from: &Path, to: &Path) -> Result<(), BenchError> {
    for entry in WalkDir::new(from) {
        let entry = entry.map_err(|error| BenchError::io("read", from)(error.into()))?;
        let target = to.join(entry.path().strip_prefix(from).unwrap_or(entry.path()));
        let copied = if entry.file_type().is_dir() { fs::create_dir_all(&target) } else { fs::copy(entry.path(), &target).map(drop) };
        copied.map_err(BenchError::io("copy to", &target))?;
    }
    Ok(())
}
