//! Writing the directory.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use rayon::prelude::*;
use rpm_engine::rpmfile::RpmFile;
use rpm_engine::transaction::{self, TransactionError};

use super::LegalError;
use super::layout::Entry;
use base::digest::Digest;
use base::name::PackageName;
use planning::project::LocalFile;
use runtime::cancel::Cancel;
use runtime::directory::{DirectoryError, link_or_copy, set_mode};
use runtime::store::Store;

/// Where files come from.
pub struct Writer<'a> {
    /// Sources and packages.
    pub store: &'a Store,
    /// The project's top folder.
    pub project: &'a Path,
    /// Raised when the user wants to stop.
    pub cancel: &'a Cancel,
}

impl Writer<'_> {
    /// Writes all files below `folder`, with modes that do not depend on the umask. Returns their size, in bytes.
    ///
    /// # Errors
    /// When something cannot be read or written, is not what it should be, or the user asked to stop.
    pub fn write(&self, entries: &BTreeMap<String, Entry>, folder: &Path) -> Result<u64, LegalError> {
        make_folders(folder, entries.keys())?;
        let mut texts: BTreeMap<(&PackageName, Digest), Vec<(&str, &str)>> = BTreeMap::new();
        for (to, entry) in entries {
            if let Entry::Text { package, object, path } = entry {
                texts.entry((package, *object)).or_default().push((path, to));
            }
        }
        let texts: Vec<_> = texts.into_iter().collect();
        texts.par_iter().try_for_each(|((package, object), wanted)| self.texts(package, object, wanted, folder))?;
        entries.par_iter().try_for_each(|(to, entry)| self.entry(entry, &folder.join(to)))?;
        let sizes = entries.keys().map(|path| {
            let path = folder.join(path);
            fs::metadata(&path).map(|file| file.len()).map_err(|source| DirectoryError::io("read", &path, source))
        });
        Ok(sizes.sum::<Result<u64, _>>()?)
    }

    /// Writes the texts of one package, reading its payload once.
    fn texts(&self, package: &PackageName, object: &Digest, wanted: &[(&str, &str)], folder: &Path) -> Result<(), LegalError> {
        self.check()?;
        let fail = |source: TransactionError| LegalError::Texts { package: package.clone(), source: Box::new(source) };
        let paths: BTreeSet<&str> = wanted.iter().map(|(path, _)| *path).collect();
        let rpm = RpmFile::open(&self.store.verified(object)?).map_err(|error| fail(error.into()))?;
        let contents = transaction::contents(&rpm, |path| paths.contains(path)).map_err(fail)?;
        for (path, to) in wanted {
            let missing = || fail(TransactionError::MissingContent { package: package.to_string(), path: (*path).to_owned() });
            put(&folder.join(to), contents.get(*path).ok_or_else(missing)?, 0o644)?;
        }
        Ok(())
    }

    fn entry(&self, entry: &Entry, to: &Path) -> Result<(), LegalError> {
        self.check()?;
        match entry {
            // Written together with the other texts of its package.
            Entry::Text { .. } => Ok(()),
            // Its digest was verified when it was fetched or found.
            Entry::Object(digest) => {
                let missing = || runtime::store::StoreError::Missing { digest: *digest };
                Ok(link_or_copy(&self.store.object(digest).ok_or_else(missing)?, to)?)
            }
            Entry::Project { path, expected } => self.project_file(path, expected.as_ref(), to),
            Entry::Bytes(bytes) => Ok(put(to, bytes, 0o644)?),
        }
    }

    /// Copies a file of the project, which must be unchanged since specs were read.
    fn project_file(&self, path: &str, expected: Option<&LocalFile>, to: &Path) -> Result<(), LegalError> {
        let from = self.project.join(path);
        let bytes = fs::read(&from).map_err(|source| DirectoryError::io("read", &from, source))?;
        if expected.is_some_and(|expected| expected.digest != Digest::of_bytes(&bytes)) {
            return Err(LegalError::Changed { path: path.into() });
        }
        let is_executable = expected.is_some_and(|expected| expected.executable);
        Ok(put(to, &bytes, if is_executable { 0o755 } else { 0o644 })?)
    }

    fn check(&self) -> Result<(), LegalError> {
        if self.cancel.is_raised() { Err(LegalError::Interrupted) } else { Ok(()) }
    }
}

/// Makes the directories of all `paths`, and makes them and `folder` readable by everybody.
fn make_folders<'a>(folder: &Path, paths: impl Iterator<Item = &'a String>) -> Result<(), DirectoryError> {
    let folders: BTreeSet<&Path> = paths.flat_map(|path| Path::new(path).ancestors().skip(1)).collect();
    for relative in folders {
        let path = folder.join(relative);
        fs::create_dir_all(&path).map_err(|source| DirectoryError::io("make", &path, source))?;
        set_mode(&path, 0o755)?;
    }
    Ok(())
}

fn put(path: &Path, bytes: &[u8], mode: u32) -> Result<(), DirectoryError> {
    fs::write(path, bytes).map_err(|source| DirectoryError::io("write", path, source))?;
    set_mode(path, mode)
}

#[cfg(test)]
mod tests;
