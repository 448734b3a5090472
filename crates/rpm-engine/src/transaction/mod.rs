//! Installing packages.

mod apply;
pub(crate) mod beneath;
mod contents;
mod cpio;
mod extract;
pub(crate) mod place;
mod step;
mod unpack;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::keyring::Keyring;
use crate::layout::{self, LayoutError};
use crate::manifest::{Entry, Kind, Manifest};
use crate::order;
use crate::package::{Nevra, Package};
use crate::rpmdb::{self, RpmDbError};
use crate::rpmfile::{RpmFile, RpmFileError, Script, Unpacker};
pub use apply::{Applied, ApplyError, Recovery, Shortage};
use beneath::Beneath;
pub use contents::contents;
pub use extract::extract;
pub use step::{Event, Gate, Observer, Settings, Step};
use unpack::Direct;

/// Told the bytes written since the last call, from any thread.
pub type Progress<'a> = &'a (dyn Fn(u64) + Sync);

/// The settings of an installation besides its packages.
pub struct Options<'a> {
    /// Stands for the time of installation and of whatever no package dates, in seconds since 1970; never the clock, so that equal packages produce equal bytes.
    pub time: u32,
    /// Told of the bytes written.
    pub progress: Progress<'a>,
}

/// A package that was installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// Its identity.
    pub nevra: Nevra,
    /// The bytes its files take, those it shares with an earlier package left out.
    pub size_bytes: u64,
    /// Scripts it wants to run. None was run: that takes the whole tree and a sandbox.
    pub scripts: Vec<Script>,
}

/// What an installation produced.
#[derive(Debug)]
pub struct Outcome {
    /// The truth of the tree, the RPM database included.
    pub manifest: Manifest,
    /// The packages, in the order they were installed in.
    pub packages: Vec<Installed>,
}

/// Why an installation failed. What was written by then is of no use.
#[derive(Debug, thiserror::Error)]
pub enum TransactionError {
    /// A package file is not accepted.
    #[error(transparent)]
    Package(#[from] RpmFileError),
    /// The packages do not fit together.
    #[error("the packages cannot be installed together")]
    Layout(#[from] LayoutError),
    /// The root is not empty.
    #[error("`{root}` is not empty")]
    NotEmpty {
        /// The directory.
        root: PathBuf,
    },
    /// The root cannot be used.
    #[error("cannot install into `{root}`")]
    Root {
        /// The directory.
        root: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A path cannot be made.
    #[error("cannot make `{path}`")]
    Make {
        /// The path in the tree.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be unpacked.
    #[error("cannot unpack `{path}` of {package}")]
    Unpack {
        /// The package.
        package: String,
        /// The path in the tree.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The payload contains a file that the header does not name.
    #[error("the payload of {package} contains a file that its header does not list")]
    NotInHeader {
        /// The package.
        package: String,
    },
    /// The payload contains a file twice, or more of it than the header says.
    #[error("the payload of {package} contains `{path}` twice or with a size that differs from its header")]
    Unannounced {
        /// The package.
        package: String,
        /// The path in the package.
        path: String,
    },
    /// The header names a file that the payload does not contain.
    #[error("the payload of {package} does not contain `{path}`")]
    MissingContent {
        /// The package.
        package: String,
        /// The path in the tree.
        path: String,
    },
    /// A file's content is not what the header says.
    #[error("`{path}` of {package} does not match the signed header")]
    WrongDigest {
        /// The package.
        package: String,
        /// The path in the package.
        path: String,
    },
    /// The RPM database cannot be written.
    #[error("cannot write the RPM database")]
    Database(#[from] RpmDbError),
}

/// Installs packages into the empty directory `root`, in the order of their dependencies, and records them in the RPM database there.
///
/// Every signature and digest is checked, and every file clash found, before anything is written.
///
/// # Errors
/// When a package is not trusted or damaged, packages clash, or the disk refuses.
pub fn install(mut packages: Vec<RpmFile>, keys: &Keyring, root: &Path, options: &Options<'_>) -> Result<Outcome, TransactionError> {
    empty(root)?;
    sort(&mut packages);
    packages.par_iter().with_max_len(1).try_for_each(|package| package.verify(keys))?;
    let files: Vec<_> = packages.iter().map(|package| (package.package.nevra.name.as_str(), &package.files[..])).collect();
    let mut plan = layout::plan(&files, options.time)?;
    make_directories(root, &plan.manifest)?;
    unpack_all(&packages, &plan.contents, root, options.progress)?;
    make_links(root, &plan.manifest)?;
    rpmdb::create(root, &packages, options.time, &mut plan.manifest)?;
    let installed = packages.iter().map(|package| Installed {
        nevra: package.package.nevra.clone(),
        size_bytes: size_of(&plan.manifest, &package.package.nevra.name),
        scripts: package.scripts(),
    });
    Ok(Outcome { packages: installed.collect(), manifest: plan.manifest })
}

fn empty(root: &Path) -> Result<(), TransactionError> {
    let io = |source| TransactionError::Root { root: root.to_owned(), source };
    match std::fs::read_dir(root).map_err(io)?.next() {
        None => Ok(()),
        Some(_) => Err(TransactionError::NotEmpty { root: root.to_owned() }),
    }
}

fn sort(packages: &mut Vec<RpmFile>) {
    let facts: Vec<&Package> = packages.iter().map(|package| &package.package).collect();
    let order = order::by_dependencies(&facts);
    let mut slots: Vec<Option<RpmFile>> = std::mem::take(packages).into_iter().map(Some).collect();
    packages.extend(order.into_iter().filter_map(|index| slots[index].take()));
}

fn size_of(manifest: &Manifest, package: &str) -> u64 {
    manifest.iter().filter(|(_, entry)| entry.package.as_deref() == Some(package)).map(|(_, entry)| entry.size_bytes()).sum()
}

fn make_directories(root: &Path, manifest: &Manifest) -> Result<(), TransactionError> {
    make(root, manifest, |root, path, entry| if entry.kind == Kind::Directory { root.directory(path) } else { Ok(()) })
}

/// Links are made last, so that not even a damaged plan could lead content through one.
fn make_links(root: &Path, manifest: &Manifest) -> Result<(), TransactionError> {
    make(root, manifest, |root, path, entry| match &entry.kind {
        Kind::Symlink { target } => root.symlink(path, target),
        Kind::Hardlink { to } => root.hardlink(path, to),
        Kind::Directory | Kind::File { .. } => Ok(()),
    })
}

fn make(
    root: &Path,
    manifest: &Manifest,
    mut one: impl FnMut(&mut Beneath<'_>, &str, &Entry) -> io::Result<()>,
) -> Result<(), TransactionError> {
    let mut beneath = Beneath::open(root).map_err(|source| TransactionError::Root { root: root.to_owned(), source })?;
    for (path, entry) in manifest.iter() {
        one(&mut beneath, path, entry).map_err(|source| TransactionError::Make { path: path.to_owned(), source })?;
    }
    Ok(())
}

/// Unpacks the largest packages first, so that none is left over at the end that keeps a single core busy.
fn unpack_all(packages: &[RpmFile], contents: &[Vec<Option<String>>], root: &Path, progress: Progress<'_>) -> Result<(), TransactionError> {
    let mut largest_first: Vec<usize> = (0..packages.len()).collect();
    largest_first.sort_by_key(|index| std::cmp::Reverse(packages[*index].package.installed_size_bytes));
    let next = AtomicUsize::new(0);
    let work = || -> Result<(), TransactionError> {
        let mut beneath = Beneath::open(root).map_err(|source| TransactionError::Root { root: root.to_owned(), source })?;
        let (mut unpacker, mut sink) = (Unpacker::default(), Direct::new(&mut beneath, progress));
        while let Some(index) = largest_first.get(next.fetch_add(1, Ordering::Relaxed)) {
            let contents: Vec<_> = contents[*index].iter().map(Option::as_deref).collect();
            unpack::unpack(&packages[*index], &contents, &mut unpacker, &mut sink)?;
        }
        Ok(())
    };
    (0..rayon::current_num_threads()).into_par_iter().with_max_len(1).try_for_each(|_| work())
}
