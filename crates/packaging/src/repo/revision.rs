//! The revision of a repository. Clients refuse a smaller one than they have seen.

use std::fs;
use std::path::Path;

use super::metadata::{MetadataFile, repomd};
use base::epoch::SOURCE_DATE_EPOCH;

/// The revision of a new repository, a constant so that its bytes depend only on its content.
const FIRST: u64 = SOURCE_DATE_EPOCH as u64;

/// The revision for a repository that replaces `dir`: the same if the content is the same, else one more.
pub(super) fn next(dir: &Path, files: &[MetadataFile], expires: Option<u64>) -> u64 {
    let Ok(old) = fs::read_to_string(dir.join("repodata/repomd.xml")) else { return FIRST };
    let number = |text: &str| -> Option<u64> { text.split_once("<revision>")?.1.split_once('<')?.0.parse().ok() };
    match number(&old) {
        Some(revision) if repomd(files, revision, expires) == old => revision,
        Some(revision) => revision.saturating_add(1),
        None => FIRST,
    }
}
