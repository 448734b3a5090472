//! Hard links: several paths that are one file.

use std::collections::BTreeMap;

use super::attributes::Rules;
use super::error::PackageError;
use super::split::Part;
use super::tree::{Content, Kind};
use runtime::install_root::InstalledFile;

/// Checks that what is one file has one owner, mode and so on, as on disk it must.
///
/// # Errors
/// When the spec sets two names of one file different attributes.
pub fn check(part: &Part<'_>, rules: &Rules) -> Result<(), PackageError> {
    let mut seen = BTreeMap::new();
    for (path, entry) in &part.entries {
        let Kind::File(Content::Installed(InstalledFile { hard_link: Some(inode), .. })) = &entry.kind else { continue };
        let attributes = (entry.mode, rules.of(path, entry));
        let (first, expected) = seen.entry(*inode).or_insert_with(|| (path, attributes.clone()));
        if *expected != attributes {
            return Err(PackageError::UnequalLinks { first: (*first).clone(), second: path.clone() });
        }
    }
    Ok(())
}
