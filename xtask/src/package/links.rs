//! Hard links: several paths that are one file.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;

use super::attributes::Rules;
use super::error::PackageError;
use super::split::Part;
use super::tree::{Content, Kind};

/// Checks that what is one file has one owner, mode and so on, as on disk it must.
///
/// # Errors
/// When the spec gives two names of one file different attributes.
pub fn check(part: &Part<'_>, rules: &Rules) -> Result<(), PackageError> {
    let mut seen = BTreeMap::new();
    for (path, entry) in &part.entries {
        let Kind::File(Content::Disk(file)) = &entry.kind else { continue };
        let metadata = fs::metadata(file).map_err(|source| PackageError::io("read", file, source))?;
        if metadata.nlink() < 2 {
            continue;
        }
        let attributes = (entry.mode, rules.of(path, entry));
        let (first, expected) = seen.entry((metadata.dev(), metadata.ino())).or_insert_with(|| (path, attributes.clone()));
        if *expected != attributes {
            return Err(PackageError::UnequalLinks { first: (*first).clone(), second: path.clone() });
        }
    }
    Ok(())
}
