//! Packages laid into a sandbox: each unpacked once, into a tree of its own.

use std::io;
use std::path::{Path, PathBuf};

use crate::action::BuiltPackage;
use crate::diagnostic::Failure;
use crate::digest::Digest;
use crate::store::{Store, StoreError, full_disk_hint};

/// Why a built package could not be laid into a sandbox.
#[derive(Debug, thiserror::Error)]
pub enum LayError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It cannot be unpacked.
    #[error("package `{package}` cannot be unpacked")]
    Unpack {
        /// The package.
        package: String,
        /// Why.
        source: Box<rpm::Error>,
    },
    /// It cannot be moved to its place.
    #[error("cannot lay `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Failure for LayError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Unpack { source, .. } => match &**source {
                rpm::Error::Io(source) => full_disk_hint(source),
                _ => None,
            },
            Self::Io { source, .. } => full_disk_hint(source),
        }
    }
}

/// The key of the tree of the package that is this object.
pub(super) fn tree_key(object: &Digest) -> Digest {
    Digest::of_bytes(format!("tree of package {object}"))
}

/// The tree of a built package; `waiting` is called if another process is unpacking it.
pub fn tree(store: &Store, package: &BuiltPackage, waiting: impl FnOnce()) -> Result<PathBuf, LayError> {
    store.tree(&tree_key(&package.object), waiting, |folder| unpack(store, package, folder))
}

fn unpack(store: &Store, package: &BuiltPackage, folder: &Path) -> Result<(), LayError> {
    let failed = |source: rpm::Error| LayError::Unpack { package: package.name.to_string(), source: Box::new(source) };
    let file = store.verified(&package.object)?;
    let unpacked = folder.join("unpacked");
    rpm::Package::open(&file).and_then(|rpm| rpm.extract(&unpacked)).map_err(failed)?;
    let io = |source| LayError::Io { path: unpacked.clone(), source };
    for entry in std::fs::read_dir(&unpacked).map_err(io)? {
        let entry = entry.map_err(io)?;
        std::fs::rename(entry.path(), folder.join(entry.file_name())).map_err(io)?;
    }
    std::fs::remove_dir(&unpacked).map_err(io)
}
