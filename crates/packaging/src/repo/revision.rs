//! The number of a repository's state. Clients refuse to go back to a smaller one.

use std::fs;
use std::path::Path;

use super::metadata::{MetadataFile, repomd};
use base::epoch::SOURCE_DATE_EPOCH;

/// The number of a repository where there was none: nothing but what goes in decides it.
const FIRST: u64 = SOURCE_DATE_EPOCH as u64;

/// The number for what is about to take the place of `dir`: the same if it says the same, one more if not.
pub(super) fn next(dir: &Path, files: &[MetadataFile], expires: Option<u64>) -> u64 {
    let Ok(old) = fs::read_to_string(dir.join("repodata/repomd.xml")) else { return FIRST };
    let number = |text: &str| -> Option<u64> { text.split_once("<revision>")?.1.split_once('<')?.0.parse().ok() };
    match number(&old) {
        Some(revision) if repomd(files, revision, expires) == old => revision,
        Some(revision) => revision.saturating_add(1),
        None => FIRST,
    }
}
