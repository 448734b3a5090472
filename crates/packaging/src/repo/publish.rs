//! Putting a whole directory in place at once.

use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};

use super::error::RepoError;
use runtime::store::remove_tree;

/// Fills a new directory next to `dir`, then lets it take the place of `dir` in one step. What fails leaves `dir` as it was.
pub(super) fn replace(dir: &Path, fill: impl FnOnce(&Path) -> Result<(), RepoError>) -> Result<(), RepoError> {
    let name = dir.file_name().ok_or_else(|| RepoError::Occupied { path: dir.to_owned() })?;
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(|source| RepoError::io("make", parent, source))?;
    check_replaceable(dir)?;
    let mut prefix = OsString::from(".");
    prefix.push(name);
    let fresh = tempfile::Builder::new()
        .prefix(&prefix)
        .tempdir_in(parent)
        .map_err(|source| RepoError::io("make a directory in", parent, source))?;
    fill(fresh.path())?;
    let settle = || -> io::Result<()> {
        File::open(fresh.path()).and_then(|folder| nix::unistd::syncfs(folder).map_err(Into::into))?;
        let fresh = fresh.path().to_owned();
        swap(&fresh, dir)?;
        File::open(parent)?.sync_all()
    };
    settle().map_err(|source| RepoError::io("publish", dir, source))?;
    let old = fresh.keep();
    remove_tree(&old).map_err(|source| RepoError::io("remove", &old, source.into()))
}

/// Only a repository or an empty directory is ever replaced, so that a mistyped path costs nothing.
fn check_replaceable(dir: &Path) -> Result<(), RepoError> {
    let occupied = || RepoError::Occupied { path: dir.to_owned() };
    match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(_) => Err(occupied()),
        Ok(entries) => {
            let is_fine = dir.join("repodata").is_dir() || entries.count() == 0;
            if is_fine { Ok(()) } else { Err(occupied()) }
        }
    }
}

/// Lets `fresh` be `dir`. Afterwards `fresh` is what `dir` was, or nothing.
fn swap(fresh: &Path, dir: &Path) -> io::Result<()> {
    match renameat2(AT_FDCWD, fresh, AT_FDCWD, dir, RenameFlags::RENAME_EXCHANGE) {
        Ok(()) => Ok(()),
        // Nothing is there to change places with, or (EINVAL) the file system cannot: then there is a moment with neither.
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

/// Gives the file `from` a second name, or copies it where that cannot be.
pub(super) fn link_or_copy(from: &Path, to: &Path) -> Result<(), RepoError> {
    let from: PathBuf = fs::canonicalize(from).map_err(|source| RepoError::io("read", from, source))?;
    if fs::hard_link(&from, to).is_ok() {
        return Ok(());
    }
    fs::copy(&from, to).map_err(|source| RepoError::io("copy to", to, source))?;
    set_mode(to, 0o644)
}

/// Sets permission bits, which what was just made has as the caller's umask left them.
pub(super) fn set_mode(path: &Path, mode: u32) -> Result<(), RepoError> {
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(|source| RepoError::io("set the mode of", path, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(dir: &Path, name: &str) -> Result<(), RepoError> {
        replace(dir, |folder| {
            fs::create_dir(folder.join("repodata")).unwrap();
            fs::write(folder.join(name), name).map_err(|source| RepoError::io("write", folder, source))
        })
    }

    fn names(dir: &Path) -> Vec<OsString> {
        let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_repository_replaces_a_repository_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("deep/repo");
        repository(&dir, "first").unwrap();
        repository(&dir, "second").unwrap();
        assert_eq!(names(&dir), ["repodata", "second"]);
        let failed = replace(&dir, |_| Err(RepoError::Twice { file_name: "x".into() }));
        assert!(failed.is_err());
        assert_eq!(names(&dir), ["repodata", "second"]);
        assert_eq!(names(dir.parent().unwrap()), ["repo"]);

        let home = folder.path().join("home");
        fs::create_dir(&home).unwrap();
        fs::write(home.join("thesis"), "years of work").unwrap();
        assert!(matches!(repository(&home, "x"), Err(RepoError::Occupied { .. })));
        assert_eq!(names(&home), ["thesis"]);
    }
}
