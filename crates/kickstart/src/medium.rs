//! Where a kickstart file and the files it names come from.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::document::{Document, Problems};
use crate::{Kickstart, PackageList};

/// Why something cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum MediumError {
    /// A file cannot be read.
    #[error("cannot read `{path}`")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A package list is a directory, FIFO, device or socket: opening it might never return.
    #[error("`{path}` is not a regular file")]
    NotRegular {
        /// The package list.
        path: PathBuf,
    },
    /// A document is wrong.
    #[error(transparent)]
    Wrong(#[from] Problems),
    /// A file is in no directory that is searched.
    #[error("`{name}` is in none of {}", folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", "))]
    NotFound {
        /// The file's name.
        name: String,
        /// Where it was looked for.
        folders: Vec<PathBuf>,
    },
}

/// A kickstart file and the package lists it names.
#[derive(Debug)]
pub struct Loaded {
    /// The kickstart file.
    pub kickstart: Document<Kickstart>,
    /// The lists, read.
    pub lists: Vec<PackageList>,
    /// Where files are looked for.
    pub search: Search,
}

/// Directories that files are looked for in.
#[derive(Clone, Debug, Default)]
pub struct Search(Vec<PathBuf>);

impl Search {
    /// The kickstart file's `search_path`, then the directory it is in.
    pub fn new(kickstart: &Kickstart, folder: &Path) -> Self {
        Self(kickstart.search_path.iter().map(|path| folder.join(path)).chain([folder.to_owned()]).collect())
    }

    /// The first file of this name. An absolute path stands for itself.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(&self, name: &str) -> Result<PathBuf, MediumError> {
        let found = self.0.iter().map(|folder| folder.join(name)).find(|path| path.exists());
        found.ok_or_else(|| MediumError::NotFound { name: name.to_owned(), folders: self.0.clone() })
    }
}

/// Reads a text.
///
/// # Errors
/// When it cannot be read or is no text.
pub fn text(path: &Path) -> Result<String, MediumError> {
    fs::read_to_string(path).map_err(|source| MediumError::Io { path: path.to_owned(), source })
}

/// Reads a kickstart file, and all package lists it names.
///
/// # Errors
/// When one of them is missing or wrong.
pub fn load(path: &Path) -> Result<Loaded, MediumError> {
    let kickstart = Kickstart::parse(&path.display().to_string(), &text(path)?)?;
    let search = Search::new(&kickstart.value, path.parent().unwrap_or(Path::new("")));
    let names = kickstart.value.packagelist_file.iter().chain(&kickstart.value.packagelist_files);
    let list = |name: &String| {
        let path = search.find(name)?;
        if !path.is_file() {
            return Err(MediumError::NotRegular { path });
        }
        Ok(PackageList::parse(&path.display().to_string(), &text(&path)?)?)
    };
    let lists = names.map(list).collect::<Result<_, MediumError>>()?;
    Ok(Loaded { kickstart, lists, search })
}
