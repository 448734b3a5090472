//! Whole directories of results, filled under another name and put in place at once.

use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};

use crate::disk_space;
use crate::store::{full_disk_hint, remove_tree};
use base::diagnostic::Failure;
use base::file_error::FileError;

/// Why a directory was not written.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// The file system said no.
    #[error(transparent)]
    Io(FileError),
    /// What is at the directory's place is something else.
    #[error("`{}` exists and is not {kind}", path.display())]
    Occupied {
        /// The path.
        path: PathBuf,
        /// The kind of directory that should be there.
        kind: &'static str,
    },
}

impl DirectoryError {
    /// An I/O error at `path`.
    pub fn io(operation: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io(FileError::new(operation, path, disk_space::explained(source, path)))
    }
}

impl Failure for DirectoryError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Io(FileError { source, .. }) => full_disk_hint(source),
            Self::Occupied { path, .. } => Some(format!("name another directory, or remove `{}`", path.display())),
        }
    }
}

/// A kind of directory that is only replaced as a whole.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Its name with an article: `a repository`.
    pub name: &'static str,
    /// A path that every directory of the kind contains.
    pub mark: &'static str,
}

impl Kind {
    /// Checks that nothing but a directory of this kind or an empty one is at `dir`, so that a mistyped path destroys nothing.
    ///
    /// # Errors
    /// [`DirectoryError::Occupied`].
    pub fn check_replaceable(self, dir: &Path) -> Result<(), DirectoryError> {
        let occupied = || DirectoryError::Occupied { path: dir.to_owned(), kind: self.name };
        match fs::read_dir(dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(_) => Err(occupied()),
            Ok(mut entries) => {
                let is_fine = dir.join(self.mark).exists() || entries.next().is_none();
                if is_fine { Ok(()) } else { Err(occupied()) }
            }
        }
    }

    /// Fills a new directory next to `dir`, then replaces `dir` with it in one step, and returns the result of `fill`. On failure `dir` is
    /// unchanged.
    ///
    /// # Errors
    /// Errors of `fill`, or a [`DirectoryError`].
    pub fn replace<T, E: From<DirectoryError>>(self, dir: &Path, fill: impl FnOnce(&Path) -> Result<T, E>) -> Result<T, E> {
        let name = dir.file_name().ok_or_else(|| DirectoryError::Occupied { path: dir.to_owned(), kind: self.name })?;
        let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(|source| DirectoryError::io("make", parent, source))?;
        self.check_replaceable(dir)?;
        let mut prefix = OsString::from(".");
        prefix.push(name);
        let fresh = tempfile::Builder::new()
            .prefix(&prefix)
            .tempdir_in(parent)
            .map_err(|source| DirectoryError::io("make a directory in", parent, source))?;
        let filled = fill(fresh.path())?;
        let settle = || -> io::Result<()> {
            File::open(fresh.path()).and_then(|folder| nix::unistd::syncfs(folder).map_err(Into::into))?;
            swap(fresh.path(), dir)?;
            File::open(parent)?.sync_all()
        };
        settle().map_err(|source| DirectoryError::io("publish", dir, source))?;
        let old = fresh.keep();
        remove_tree(&old).map_err(|source| DirectoryError::io("remove", &old, source.into()))?;
        Ok(filled)
    }
}

/// Moves `fresh` to `dir`. Afterwards the old content of `dir`, if any, is at `fresh`.
fn swap(fresh: &Path, dir: &Path) -> io::Result<()> {
    match renameat2(AT_FDCWD, fresh, AT_FDCWD, dir, RenameFlags::RENAME_EXCHANGE) {
        Ok(()) => Ok(()),
        // There is nothing to exchange with, or (EINVAL) the file system cannot exchange; then for a moment neither is there.
        Err(_) => {
            let mut aside = fresh.as_os_str().to_owned();
            aside.push(".old");
            let aside = Path::new(&aside);
            match fs::rename(dir, aside) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => return fs::rename(fresh, dir),
                Err(error) => return Err(error),
            }
            match fs::rename(fresh, dir) {
                Ok(()) => fs::rename(aside, fresh),
                Err(error) => fs::rename(aside, dir).and(Err(error)),
            }
        }
    }
}

/// Hard-links the file `from`, or copies it if that is impossible.
///
/// # Errors
/// When it cannot be read, or the copy cannot be written.
pub fn link_or_copy(from: &Path, to: &Path) -> Result<(), DirectoryError> {
    let from: PathBuf = fs::canonicalize(from).map_err(|source| DirectoryError::io("read", from, source))?;
    if fs::hard_link(&from, to).is_ok() {
        return Ok(());
    }
    fs::copy(&from, to).map_err(|source| DirectoryError::io("copy to", to, source))?;
    set_mode(to, 0o644)
}

/// Sets permission bits, which for new files depend on the caller's umask.
///
/// # Errors
/// When they cannot be set.
pub fn set_mode(path: &Path, mode: u32) -> Result<(), DirectoryError> {
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(|source| DirectoryError::io("set the mode of", path, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPOSITORY: Kind = Kind { name: "a repository", mark: "repodata" };

    fn repository(dir: &Path, name: &str) -> Result<(), DirectoryError> {
        REPOSITORY.replace(dir, |folder| {
            fs::create_dir(folder.join("repodata")).unwrap();
            fs::write(folder.join(name), name).map_err(|source| DirectoryError::io("write", folder, source))
        })
    }

    fn names(dir: &Path) -> Vec<OsString> {
        let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_directory_replaces_one_of_its_kind_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("deep/repo");
        repository(&dir, "first").unwrap();
        repository(&dir, "second").unwrap();
        assert_eq!(names(&dir), ["repodata", "second"]);
        let failed = REPOSITORY.replace(&dir, |_| Err::<(), _>(DirectoryError::io("write", Path::new("/x"), io::ErrorKind::Other.into())));
        assert!(failed.is_err());
        assert_eq!(names(&dir), ["repodata", "second"]);
        assert_eq!(names(dir.parent().unwrap()), ["repo"]);

        let home = folder.path().join("home");
        fs::create_dir(&home).unwrap();
        fs::write(home.join("thesis"), "years of work").unwrap();
        let error = repository(&home, "x").unwrap_err();
        assert_eq!(error.to_string(), format!("`{}` exists and is not a repository", home.display()));
        assert_eq!(names(&home), ["thesis"]);
    }
}
