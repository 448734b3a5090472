//! The files of built packages, as their headers list them.

use rpm_engine::package::PackageFile;
use rpm_engine::rpmfile::{RpmFile, RpmFileError};

use base::diagnostic::Failure;
use base::name::PackageName;
use planning::action::BuiltPackage;
use runtime::store::{Store, StoreError};

/// Why the files of a built package are not known.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The store does not have it, or it is damaged.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It cannot be read.
    #[error("cannot read the files of package `{package}`")]
    Read {
        /// The package.
        package: PackageName,
        /// Why.
        source: RpmFileError,
    },
}

impl Failure for FilesError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Store(error) => Some(error),
            Self::Read { .. } => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Read { package, .. } => Some(format!("`cargo xtask build {package}` builds it again if it is damaged")),
            Self::Store(_) => self.inner()?.hint(),
        }
    }
}

/// The files, links and directories of a built package, sorted by path.
///
/// # Errors
/// When the package is not in the store or is damaged.
pub fn files(store: &Store, package: &BuiltPackage) -> Result<Vec<PackageFile>, FilesError> {
    let path = store.verified(&package.object)?;
    let rpm = RpmFile::open(&path).map_err(|source| FilesError::Read { package: package.name.clone(), source })?;
    let mut files = rpm.files;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}
