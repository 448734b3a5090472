//! Counts what a collection removes.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use serde::Serialize;
use walkdir::WalkDir;

use super::{RemoveError, remove_tree};

/// What was removed of one kind.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Files and directories at the top.
    pub items: u64,
    /// Bytes in them.
    pub bytes: u64,
}

/// Removes things of one kind, and counts them. Continues after failures.
pub(super) struct Tally<'a> {
    pub(super) swept: Swept,
    pub(super) stayed: &'a mut Vec<RemoveError>,
    pub(super) dry_run: bool,
}

impl Tally<'_> {
    /// Removes what is at `path`.
    pub(super) fn remove(&mut self, path: &Path) {
        let before = freed_bytes(path);
        match if self.dry_run { Ok(()) } else { remove_tree(path) } {
            Ok(()) => {
                self.swept.items += 1;
                self.swept.bytes += before;
            }
            Err(error) => {
                self.swept.bytes += before.saturating_sub(freed_bytes(path));
                self.stayed.push(error);
            }
        }
    }

    /// Removes the file at `path`, without counting it.
    pub(super) fn discard(&mut self, path: &Path) {
        if !self.dry_run
            && let Err(error) = remove_tree(path)
        {
            self.stayed.push(error);
        }
    }

    /// Removes the directory at `path` so that it is never there incompletely: it is first renamed to the unused name `doomed`.
    pub(super) fn remove_whole(&mut self, path: &Path, doomed: &Path) {
        if self.dry_run {
            return self.remove(path);
        }
        match fs::rename(path, doomed) {
            Ok(()) => self.remove(doomed),
            Err(source) => self.stayed.push(RemoveError { path: path.to_owned(), others: 0, source }),
        }
    }
}

/// The space that removing frees: none for a file with another hard link elsewhere, such as an ISO in `out`.
fn freed_bytes(path: &Path) -> u64 {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_file() && meta.nlink() > 1 => 0,
        Ok(meta) if meta.is_file() => used_bytes(&meta),
        _ => size_bytes(path),
    }
}

/// Bytes of the files in a directory, as far as it can be read.
fn size_bytes(path: &Path) -> u64 {
    let files = WalkDir::new(path).into_iter().flatten().filter_map(|entry| entry.metadata().ok()).filter(|meta| meta.is_file());
    files.map(|meta| used_bytes(&meta)).sum()
}

/// Bytes of a file on disk, fewer than its length if it has holes (stat(2), `st_blocks` counts 512 bytes).
fn used_bytes(meta: &fs::Metadata) -> u64 {
    meta.len().min(meta.blocks() * 512)
}
