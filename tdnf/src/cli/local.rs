//! Package files that come from no repository.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::error::CliError;
use super::session::io_at;
use crate::cache::Opened;
use rpm_engine::repo::{Index, Offer, digest_of};
use rpm_engine::rpmfile::{RpmFile, details};

/// What packages named by their files are called.
pub const COMMAND_LINE: &str = "@cmdline";

/// Package files as a repository of their own. Their locations are absolute paths.
#[derive(Debug)]
pub struct Local {
    /// Its name.
    pub id: String,
    /// Its packages.
    pub index: Index,
}

/// The repositories of a run.
#[derive(Debug)]
pub struct Repositories {
    /// Those configured.
    pub opened: Vec<Opened>,
    /// Package files; they follow the ones configured.
    pub locals: Vec<Local>,
    /// The words of the command line that name package files, with where those really are.
    pub files: BTreeMap<String, PathBuf>,
}

impl Repositories {
    /// None at all: for what needs only the installed packages.
    pub fn none() -> Self {
        Self { opened: Vec::new(), locals: Vec::new(), files: BTreeMap::new() }
    }
}

impl Local {
    /// Reads package files.
    ///
    /// # Errors
    /// When one cannot be read or is not a package.
    pub fn of(id: &str, files: &[PathBuf]) -> Result<Self, CliError> {
        let offer = |path: &PathBuf| -> Result<Offer, CliError> {
            let path = fs::canonicalize(path).map_err(io_at(path))?;
            let file = RpmFile::open(&path)?;
            let checksum = digest_of(&path).map_err(io_at(&path))?;
            let metadata = file.metadata()?;
            Ok(Offer { details: details(&metadata), package: file.package, location: path.to_string_lossy().into_owned(), checksum })
        };
        let offers = files.par_iter().map(offer).collect::<Result<Vec<_>, _>>()?;
        let index = Index::of(&offers).ok_or_else(|| CliError::Usage("too many packages".into()))?;
        Ok(Self { id: id.to_owned(), index })
    }

    /// Reads the packages in a directory and below.
    ///
    /// # Errors
    /// As [`Local::of`].
    pub fn directory(id: &str, directory: &Path) -> Result<Self, CliError> {
        let mut files = Vec::new();
        collect(directory, &mut files)?;
        files.sort();
        Self::of(id, &files)
    }
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> Result<(), CliError> {
    for entry in fs::read_dir(directory).map_err(io_at(directory))? {
        let entry = entry.map_err(io_at(directory))?;
        let path = entry.path();
        if entry.file_type().map_err(io_at(&path))?.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rpm")
            && !path.to_string_lossy().ends_with(".src.rpm")
            // A pipe would be waited for.
            && path.is_file()
        {
            files.push(path);
        }
    }
    Ok(())
}
