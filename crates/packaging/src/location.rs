//! Files in directories where packages must not install any.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::directory::{above, reserved};
use super::error::PackageError;
use super::obstacle::escaped;
use super::tree::Tree;
use super::usrmerge::merged;
use planning::spec::Spec;

/// The package that the directory tree itself belongs to.
const FILESYSTEM: &str = "filesystem";

/// A directory where packages must not install files, and what was installed there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misplaced {
    /// The directory.
    pub directory: String,
    /// The first path in it.
    pub path: String,
    /// How many further ones there are.
    pub others: usize,
}

impl fmt::Display for Misplaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { directory, path, others } = self;
        write!(f, "`{}`", escaped(path.as_bytes()))?;
        match others {
            0 => Ok(()),
            others => write!(f, " and {others} more in `{}`", escaped(directory.as_bytes())),
        }
    }
}

/// Checks that everything is in a permitted directory, or in a directory that the spec declares.
///
/// # Errors
/// All other directories with files.
pub fn check(spec: &Spec, tree: &Tree) -> Result<(), PackageError> {
    if spec.name.as_str() == FILESYSTEM {
        return Ok(());
    }
    let declared: BTreeSet<String> = spec.directories.keys().map(|path| merged(path)).collect();
    let is_declared = |path: &str| std::iter::once(path).chain(above(path)).any(|path| declared.contains(path));
    let mut found: BTreeMap<&str, Misplaced> = BTreeMap::new();
    for (path, _) in tree.iter().filter(|(path, _)| !is_declared(path)) {
        let Some(directory) = reserved(path) else { continue };
        let first = || Misplaced { directory: directory.to_owned(), path: path.to_owned(), others: 0 };
        found.entry(directory).and_modify(|one| one.others += 1).or_insert_with(first);
    }
    if found.is_empty() { Ok(()) } else { Err(PackageError::Misplaced { found: found.into_values().collect() }) }
}
