//! The tree of a spec: what was installed, without what is dropped, plus what the spec adds.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::archive;
use super::attributes::Rules;
use super::buildpath;
use super::error::PackageError;
use super::literal;
use super::location;
use super::similar::similar;
use super::tree::{Content, Entry, Kind, Tree};
use super::usrmerge::merged;
use super::walk::walk;
use base::glob::Glob;
use planning::spec::Spec;

/// Excluded from all packages: documentation, translations and completions, which a container host never reads, and libtool's files.
const DROPPED: [&str; 9] = [
    "/**/*.la",
    "/usr/share/man/**",
    "/usr/share/info/**",
    "/usr/share/doc/**",
    "/usr/share/gtk-doc/**",
    "/usr/share/locale/**",
    "/usr/share/bash-completion/**",
    "/usr/share/zsh/**",
    "/usr/share/fish/**",
];

/// Everything that the packages of `spec` contain, with final modes. `out` is the install root; files of `[install]` are in `spec_dir`.
///
/// # Errors
/// When something cannot be read or packaged, or a glob of `drop` or an attribute matches no file.
pub fn collect(spec: &Spec, rules: &Rules, spec_dir: &Path, out: &Path) -> Result<Tree, PackageError> {
    let mut tree = walk(out)?;
    literal::check(spec, &tree)?;
    check_drop(spec, &tree)?;
    let dropped: Vec<&str> = DROPPED.into_iter().chain(spec.drop.iter().map(String::as_str)).collect();
    let emptied: Vec<&str> = dropped.iter().filter_map(|glob| glob.strip_suffix("/**")).filter(|glob| !glob.is_empty()).collect();
    tree.drop(&compiled(&dropped)?, &compiled(&emptied)?);
    tree.check()?;
    buildpath::check(spec, &tree)?;
    archive::check(&tree)?;
    for (file, target) in &spec.install {
        tree.put_own("install", merged(target), own_file(spec, spec_dir, file)?)?;
    }
    for (path, mode) in &spec.directories {
        tree.put_own("directories", merged(path), Entry { kind: Kind::Directory, mode: *mode })?;
    }
    for (link, target) in &spec.symlinks {
        tree.put_own("symlinks", merged(link), Entry { kind: Kind::Link(target.clone()), mode: 0o777 })?;
    }
    tree.check_parents()?;
    rules.apply(spec, &mut tree)?;
    location::check(spec, &tree)?;
    Ok(tree)
}

/// Checks that each glob of `drop` matches something, if only an empty directory: a misspelt glob would leave files in the package.
fn check_drop(spec: &Spec, tree: &Tree) -> Result<(), PackageError> {
    for text in &spec.drop {
        let emptied = text.strip_suffix("/**").filter(|above| !above.is_empty()).unwrap_or(text);
        let globs = compiled(&[text, emptied])?;
        if !tree.iter().any(|(path, _)| globs.iter().any(|glob| glob.matches(path))) {
            return Err(PackageError::DropMatchesNothing { spec: spec.name.clone(), glob: text.clone(), similar: similar(text, tree) });
        }
    }
    Ok(())
}

fn compiled(globs: &[&str]) -> Result<Vec<Glob>, PackageError> {
    globs.iter().map(|text| Glob::new(text).map_err(PackageError::bad_glob(text))).collect()
}

/// A file of the spec's directory. Of its mode on the developer's disk, only the executable bit is used.
fn own_file(spec: &Spec, spec_dir: &Path, file: &str) -> Result<Entry, PackageError> {
    let path = spec_dir.join(file);
    let fail = |source| PackageError::InstallSource { spec: spec.name.clone(), file: file.to_owned(), source };
    let metadata = fs::metadata(&path).map_err(fail)?;
    if !metadata.is_file() {
        return Err(fail(io::Error::other("not a regular file")));
    }
    let bytes = fs::read(&path).map_err(fail)?;
    let mode = if metadata.mode() & 0o111 == 0 { 0o644 } else { 0o755 };
    Ok(Entry { kind: Kind::File(Content::Memory(bytes)), mode })
}
