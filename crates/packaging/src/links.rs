//! Hard links: several paths that are one file.

use std::collections::BTreeMap;

use super::attributes::Rules;
use super::error::PackageError;
use super::split::Part;
use super::tree::{Content, Kind};
use planning::spec::Attributes;
use runtime::install_root::InstalledFile;

/// Checks that all names of one file have the same owner, mode and so on, as they must on disk.
///
/// # Errors
/// When two names of one file would have different attributes: because of rules of the spec, or because one of them is in `/etc`.
pub fn check(part: &Part<'_>, rules: &Rules) -> Result<(), PackageError> {
    let mut seen = BTreeMap::new();
    for (path, entry) in &part.entries {
        let Kind::File(Content::Installed(InstalledFile { hard_link: Some(inode), .. })) = &entry.kind else { continue };
        let attributes = (entry.mode, rules.of(path, entry));
        let (first, expected) = seen.entry(*inode).or_insert_with(|| (path, attributes.clone()));
        if *expected != attributes {
            let difference = difference(expected, &attributes);
            return Err(PackageError::UnequalLinks { first: (*first).clone(), second: path.clone(), difference });
        }
    }
    Ok(())
}

/// The attribute that differs between two names of one file, in words for users.
fn difference((first_mode, first): &(u32, Attributes), (mode, second): &(u32, Attributes)) -> String {
    let kinds = [
        ("mode", first_mode != mode || first.mode != second.mode),
        ("owner", first.owner != second.owner),
        ("group", first.group != second.group),
        ("capabilities", first.caps != second.caps),
        ("being configuration, as files in /etc are", first.config != second.config),
        ("being a ghost", first.ghost != second.ghost),
    ];
    kinds.iter().filter(|(_, differs)| *differs).map(|(kind, _)| *kind).collect::<Vec<_>>().join(", ")
}
