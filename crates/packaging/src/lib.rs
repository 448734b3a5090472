//! From an install root to packages: assigns files to packages, finds attributes and dependencies, and writes RPM files.

mod archive;
mod attributes;
mod available;
mod buildpath;
mod contents;
mod declared;
mod depend;
mod directory;
pub mod elf;
mod error;
mod header;
mod hint;
mod licences;
mod linker;
mod links;
mod literal;
mod location;
mod obstacle;
mod pkgconfig;
pub mod repo;
mod script;
mod similar;
mod split;
mod tree;
mod units;
mod usrmerge;
mod walk;

use std::path::{Path, PathBuf};

pub use available::Available;
pub use buildpath::{BuildPath, Place};
pub use elf::ElfError;
pub use error::{Hidden, PackageError, Undeclared, Unpackageable};
pub use licences::{DIRECTORY as LICENCES, LicenceTexts, TEXTS as LICENCE_TEXTS, is_licence_text};
pub use literal::LiteralGlob;
pub use location::Misplaced;
pub use obstacle::Obstacle;
pub use script::{BadInterpreter, Fault};
pub use units::{UnknownUnit, Wish};

use base::name::PackageName;
use planning::spec::Spec;

/// A finished package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// Its name.
    pub name: PackageName,
    /// The unsigned RPM file, whose bytes depend only on the inputs.
    pub file: PathBuf,
    /// `<name>-<version>-<release>.<arch>.rpm`
    pub file_name: String,
    /// What it provides, as `name` or `name = version`.
    pub provides: Vec<String>,
    /// What it requires, as `name` or `name >= version`; without RPM's own capabilities (`rpmlib(…)`).
    pub requires: Vec<String>,
    /// Files, links and directories.
    pub files: u64,
    /// Size when installed.
    pub installed_bytes: u64,
}

/// Makes the packages of `spec`, the main one first. `out` is the install root, which may be modified: files that their owner cannot read
/// are made readable. Files of `[install]` are in `spec_dir`; every package gets `licences`; the RPM files are written to the directory
/// `into`.
///
/// # Errors
/// When what was installed cannot be packaged, or needs libraries that neither the spec's packages nor `available` provide.
pub fn assemble(
    spec: &Spec,
    spec_dir: &Path,
    out: &Path,
    licences: &LicenceTexts,
    available: &Available,
    into: &Path,
) -> Result<Vec<Built>, PackageError> {
    let rules = attributes::Rules::new(spec)?;
    let tree = contents::collect(spec, &rules, spec_dir, out)?;
    let parts = split::split(spec, &tree, licences)?;
    for part in &parts {
        links::check(part, &rules)?;
    }
    units::check(spec, &parts)?;
    let found = depend::find(spec, &parts, available)?;
    parts.iter().zip(&found).map(|(part, found)| header::write(spec, part, found, &rules, into)).collect()
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod refused;
#[cfg(test)]
mod tests;
