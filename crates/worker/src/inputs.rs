//! Packages as inputs of a sandbox: each is unpacked once, into its own tree.

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rpm_engine::rpmfile::RpmFile;
use rpm_engine::transaction::{self, TransactionError};
use walkdir::WalkDir;

use base::diagnostic::Failure;
use base::digest::Digest;
use base::name::PackageName;
use runtime::store::{Store, StoreError, full_disk_hint};

use crate::damaged::Damaged;

/// Why built packages could not be put into a sandbox.
#[derive(Debug, thiserror::Error)]
pub enum InputsError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file is not the one that was asked for.
    #[error(transparent)]
    Damaged(#[from] Damaged),
    /// One cannot be unpacked.
    #[error("package `{package}` cannot be unpacked")]
    Unpack {
        /// The package.
        package: PackageName,
        /// Why.
        source: Box<TransactionError>,
    },
    /// A file of one would hide a directory of another.
    #[error("packages that the build needs contain conflicting files: {}", list(.0))]
    Hidden(Vec<Hidden>),
    /// The tree of one cannot be read.
    #[error("cannot read the unpacked package `{package}`")]
    Read {
        /// The package.
        package: PackageName,
        /// Why.
        source: io::Error,
    },
}

/// A path that is a directory in one package and something else in another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hidden {
    /// The path.
    path: PathBuf,
    /// The package that has a directory there.
    directory: PackageName,
    /// The package that has a file or link there.
    file: PackageName,
}

/// The first ones, for people.
fn list(hidden: &[Hidden]) -> String {
    const SHOWN: usize = 5;
    let one =
        |Hidden { path, directory, file }: &Hidden| format!("`/{}` is a directory in `{directory}` but not in `{file}`", path.display());
    let shown: Vec<String> = hidden.iter().take(SHOWN).map(one).collect();
    let more = hidden.len().saturating_sub(SHOWN);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

impl Failure for InputsError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Store(error) => Some(error),
            Self::Damaged(_) | Self::Unpack { .. } | Self::Hidden(_) | Self::Read { .. } => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Store(_) => self.inner()?.hint(),
            Self::Unpack { source, .. } => disk_error(&**source).and_then(full_disk_hint),
            Self::Hidden(_) => Some("change where one of the packages installs its files, or remove one from `requires.build`".into()),
            Self::Read { source, .. } => full_disk_hint(source),
            Self::Damaged(_) => None,
        }
    }
}

/// The I/O error that caused this error, if one did.
fn disk_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
    std::iter::successors(Some(error), |&error| error.source()).find_map(|error| error.downcast_ref())
}

/// The key of the tree of the package with this digest.
pub fn tree_key(object: &Digest) -> Digest {
    // The number is a version: 2 is without set-id bits, and with the directories' own modes.
    Digest::of_bytes(format!("tree 2 of package {object}"))
}

/// The tree of the package `name` with the digest `object`. `file` finds its file, verified, if it must be unpacked; `waiting` is called if
/// another process is unpacking it.
///
/// # Errors
/// When it cannot be found or unpacked.
pub fn tree(
    store: &Store,
    name: &PackageName,
    object: &Digest,
    file: impl FnOnce() -> Result<PathBuf, InputsError>,
    waiting: impl FnOnce(),
) -> Result<PathBuf, InputsError> {
    store.tree(&tree_key(object), waiting, |folder| {
        let failed = |source| InputsError::Unpack { package: name.clone(), source: Box::new(source) };
        let file = file()?;
        RpmFile::open(&file).map_err(TransactionError::from).and_then(|rpm| transaction::extract(&rpm, folder)).map_err(failed)
    })
}

/// Checks that no file of a package hides a directory of another when their trees are stacked.
///
/// # Errors
/// When one does, or a tree cannot be read.
pub fn check(trees: &[(&PackageName, &Path)]) -> Result<(), InputsError> {
    let mut seen: BTreeMap<PathBuf, (bool, &PackageName)> = BTreeMap::new();
    let mut hidden = Vec::new();
    for (package, tree) in trees {
        let mut walk = WalkDir::new(tree).min_depth(1).into_iter();
        while let Some(entry) = walk.next() {
            let read = |source: walkdir::Error| InputsError::Read { package: (*package).clone(), source: source.into() };
            let entry = entry.map_err(read)?;
            let path = entry.path().strip_prefix(tree).unwrap_or(entry.path());
            let is_directory = entry.file_type().is_dir();
            // A directory that is closed to its owner cannot be read here.
            let mut is_passed_over = is_directory && entry.metadata().map_err(read)?.mode() & 0o500 != 0o500;
            match seen.get(path) {
                Some((was_directory, other)) if *was_directory != is_directory => {
                    let (directory, file) = if is_directory { (*package, *other) } else { (*other, *package) };
                    hidden.push(Hidden { path: path.to_owned(), directory: directory.clone(), file: file.clone() });
                    // Its content is hidden as well.
                    is_passed_over |= is_directory;
                }
                Some(_) => {}
                None => {
                    seen.insert(path.to_owned(), (is_directory, *package));
                }
            }
            if is_passed_over {
                walk.skip_current_dir();
            }
        }
    }
    if hidden.is_empty() { Ok(()) } else { Err(InputsError::Hidden(hidden)) }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use rpm::{BuildConfig, FileOptions, PackageBuilder};

    use super::*;

    fn unpacked(store: &Store, name: &str, fill: impl FnOnce(&mut PackageBuilder)) -> PathBuf {
        let mut builder = PackageBuilder::new(name, "1", "MIT", "noarch", "a package for tests");
        builder.using_config(BuildConfig::v4().source_date(1)).release("1");
        fill(&mut builder);
        let mut bytes = Vec::new();
        builder.build().unwrap().write(&mut bytes).unwrap();
        let object = store.put_bytes(&bytes).unwrap();
        tree(store, &name.parse().unwrap(), &object, || Ok(store.verified(&object)?), || {}).unwrap()
    }

    #[test]
    fn packages_without_files_and_with_closed_directories_can_be_inputs() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let meta = unpacked(&store, "meta", |_| {});
        assert_eq!(fs::read_dir(meta).unwrap().count(), 0);
        let root = unpacked(&store, "closed", |builder| {
            builder.with_dir_entry(FileOptions::dir("/etc/extracted").permissions(0o555)).unwrap();
            builder.with_file_contents("text", FileOptions::new("/etc/extracted/file").permissions(0o444)).unwrap();
            builder.with_file_contents("#!su", FileOptions::new("/usr/bin/su").permissions(0o4755)).unwrap();
        });
        let mode = |path: &str| fs::metadata(root.join(path)).unwrap().permissions().mode() & 0o7777;
        assert_eq!([mode("etc/extracted"), mode("etc/extracted/file"), mode("usr/bin/su")], [0o555, 0o444, 0o755]);
        fs::set_permissions(root.join("etc/extracted"), Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn a_file_that_hides_a_directory_is_named_with_both_packages() {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<PackageName> = ["first", "second", "third"].iter().map(|name| name.parse().unwrap()).collect();
        let trees: Vec<PathBuf> = names.iter().map(|name| folder.path().join(name.as_str())).collect();
        trees.iter().for_each(|tree| fs::create_dir_all(tree.join("usr/share")).unwrap());
        let all: Vec<(&PackageName, &Path)> = names.iter().zip(trees.iter().map(PathBuf::as_path)).collect();
        fs::write(trees[0].join("usr/share/same"), "").unwrap();
        fs::write(trees[1].join("usr/share/same"), "").unwrap();
        check(&all).unwrap();
        fs::create_dir_all(trees[1].join("shut/within")).unwrap();
        fs::set_permissions(trees[1].join("shut"), Permissions::from_mode(0o000)).unwrap();
        check(&all).unwrap();
        fs::set_permissions(trees[1].join("shut"), Permissions::from_mode(0o700)).unwrap();
        fs::create_dir_all(trees[0].join("usr/share/data/deep")).unwrap();
        fs::write(trees[1].join("usr/share/data"), "").unwrap();
        symlink("share", trees[0].join("usr/lib")).unwrap();
        fs::create_dir_all(trees[2].join("usr/lib/deep")).unwrap();
        assert_eq!(
            check(&all).unwrap_err().to_string(),
            "packages that the build needs contain conflicting files: `/usr/share/data` is a directory in `first` but not in `second`, \
             `/usr/lib` is a directory in `third` but not in `first`"
        );
    }
}
