//! One package's files in a directory: nothing is installed, and no script runs.

use std::io;
use std::path::Path;

use super::beneath::Beneath;
use super::unpack::{self, Direct};
use super::{TransactionError, empty, make_directories, make_links};
use crate::layout;
use crate::manifest::{Kind, Manifest};
use crate::rpmfile::{RpmFile, Unpacker};

/// What other users of the machine must not gain by a file that is only looked at: set-user-id and set-group-id.
const PRIVILEGES: u16 = 0o6000;

/// Writes the files of `package` into the empty directory `root`, whatever the modes of its directories. They belong to the caller, have the
/// modes and times that the package gives them, but neither set-id bits nor capabilities.
///
/// # Errors
/// When the package is damaged or its links are hostile, or the disk refuses. Signatures are not looked at.
pub fn extract(package: &RpmFile, root: &Path) -> Result<(), TransactionError> {
    empty(root)?;
    let plan = layout::plan(&[(package.package.nevra.name.as_str(), &package.files)], 0)?;
    make_directories(root, &plan.manifest)?;
    let refused = |source: io::Error| TransactionError::Root { root: root.to_owned(), source };
    let mut beneath = Beneath::open(root).map_err(refused)?;
    for contents in &plan.contents {
        let contents: Vec<_> = contents.iter().map(Option::as_deref).collect();
        unpack::unpack(package, &contents, &mut Unpacker::default(), &mut Direct::new(&mut beneath, &|_| {}))?;
    }
    make_links(root, &plan.manifest)?;
    permit(&mut beneath, &plan.manifest)
}

/// Gives modes, those of directories after those of what is in them: a directory may be closed even to its owner.
fn permit(beneath: &mut Beneath<'_>, manifest: &Manifest) -> Result<(), TransactionError> {
    let entries: Vec<_> = manifest.iter().collect();
    for (path, entry) in entries.into_iter().rev() {
        let permitted = match entry.kind {
            Kind::Directory | Kind::File { .. } => beneath.permit(path, entry.mode & !PRIVILEGES),
            Kind::Symlink { .. } | Kind::Hardlink { .. } => Ok(()),
        };
        permitted.map_err(|source| TransactionError::Make { path: path.to_owned(), source })?;
    }
    Ok(())
}
