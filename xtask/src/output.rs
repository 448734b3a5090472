//! Output files for the user.

use std::fs::{self, File, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use base::diagnostic::Failure;
use base::digest::Digest;
use runtime::store::{Store, StoreError};

/// Why an output file was not written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The path cannot be written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The path is, or is below, a symbolic link without a target.
    #[error("cannot write `{}`: `{}` is a symbolic link to `{}`, which does not exist", path.display(), link.display(), target.display())]
    Dangling {
        /// The file or folder.
        path: PathBuf,
        /// The link.
        link: PathBuf,
        /// Its target, as written.
        target: PathBuf,
    },
    /// The content is not in the store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure for OutputError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Store(error) => Some(error),
            Self::Write { .. } | Self::Dangling { .. } => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Write { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    Some("free some space there, or choose another place with `--output`: packages that are built are kept".into())
                }
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    Some("choose a place you may write to with `--output`".into())
                }
                _ => Some("choose another place with `--output`".into()),
            },
            Self::Dangling { link, .. } => {
                Some(format!("make the target, remove the link (`rm {}`), or choose another place with `--output`", link.display()))
            }
            Self::Store(_) => self.inner()?.hint(),
        }
    }
}

/// Creates the folder, and checks that a file can be written there, before a long build rather than after it.
///
/// # Errors
/// When nothing can be written there.
pub fn prepare(folder: &Path) -> Result<(), OutputError> {
    fs::create_dir_all(folder).and_then(|()| waiting_folder(folder)).map(drop).map_err(not_written(folder))
}

/// Writes an object, whose content was verified before, to `path` atomically: as a hard link to the store's file if possible, otherwise as
/// a copy. A file that its user may write to (`is_writable`) is always a copy, so that the store's object is never modified.
///
/// # Errors
/// When the object is missing, or nothing can be written there.
pub fn place(store: &Store, object: &Digest, path: &Path, is_writable: bool) -> Result<(), OutputError> {
    let object = store.object(object).ok_or(StoreError::Missing { digest: *object })?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let place = || {
        fs::create_dir_all(folder)?;
        let scratch = waiting_folder(folder)?;
        let waiting = scratch.path().join("file");
        if is_writable || fs::hard_link(&object, &waiting).is_err() {
            copy_sparse(&object, &waiting)?;
        }
        fs::rename(&waiting, path)
    };
    place().map_err(not_written(path))
}

/// Writes a document atomically.
///
/// # Errors
/// When nothing can be written there.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), OutputError> {
    replace(path, bytes, None).map_err(not_written(path))
}

/// Writes a file of the user's anew, atomically: with its mode, and where a link to it leads.
///
/// # Errors
/// When the user has protected it, or nothing can be written there.
pub fn rewrite(path: &Path, bytes: &[u8]) -> Result<(), OutputError> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let permissions = fs::metadata(&target).ok().map(|file| file.permissions());
    if permissions.as_ref().is_some_and(Permissions::readonly) {
        return Err(not_written(path)(io::ErrorKind::PermissionDenied.into()));
    }
    replace(&target, bytes, permissions).map_err(not_written(path))
}

fn replace(path: &Path, bytes: &[u8], permissions: Option<Permissions>) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(".kaon-").permissions(Permissions::from_mode(0o644)).tempfile_in(folder)?;
    file.write_all(bytes)?;
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
    }
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// A folder next to the results, in which each is completed before it is moved.
fn waiting_folder(folder: &Path) -> io::Result<TempDir> {
    tempfile::Builder::new().prefix(".kaon-").tempdir_in(folder)
}

fn not_written(path: &Path) -> impl FnOnce(io::Error) -> OutputError {
    |source| match dangling(path) {
        Some((link, target)) => OutputError::Dangling { path: path.to_owned(), link, target },
        None => OutputError::Write { path: path.to_owned(), source },
    }
}

/// The link without a target at or above `path`, and its target.
fn dangling(path: &Path) -> Option<(PathBuf, PathBuf)> {
    let is_missing = |link: &&Path| fs::metadata(link).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    path.ancestors().filter(is_missing).find_map(|link| Some((link.to_owned(), fs::read_link(link).ok()?)))
}

/// Copies a file with holes for zeros, so that a disk needs only the space of its content.
fn copy_sparse(from: &Path, to: &Path) -> io::Result<()> {
    let mut input = File::open(from)?;
    let out = File::create(to)?;
    out.set_len(input.metadata()?.len())?;
    let mut buffer = vec![0; 64 << 10];
    let mut at = 0;
    loop {
        let read = input.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        if buffer[..read].iter().any(|byte| *byte != 0) {
            out.write_all_at(&buffer[..read], at)?;
        }
        at += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn writable_files_are_copies() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        let mut bytes = vec![0; 1 << 20];
        bytes.extend(b"end");
        let object = store.put_bytes(&bytes).unwrap();
        let (link, copy) = (folder.path().join("out/link"), folder.path().join("out/copy"));
        place(&store, &object, &link, false).unwrap();
        place(&store, &object, &copy, true).unwrap();
        assert_eq!(fs::read(&copy).unwrap(), bytes);
        assert_eq!(fs::metadata(&link).unwrap().nlink(), 2);
        assert_eq!(fs::metadata(&copy).unwrap().nlink(), 1);
    }

    #[test]
    fn a_file_of_the_users_keeps_its_mode_its_link_and_its_protection() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        rewrite(&file, b"new").unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        rewrite(&link, b"newer").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!((fs::read(&file).unwrap(), fs::metadata(&file).unwrap().mode() & 0o777), (b"newer".to_vec(), 0o600));
        fs::set_permissions(&file, Permissions::from_mode(0o400)).unwrap();
        assert!(matches!(rewrite(&file, b"newest"), Err(OutputError::Write { .. })));
        assert_eq!(fs::read(&file).unwrap(), b"newer");
    }

    #[test]
    fn a_link_without_a_target_is_named_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("out");
        std::os::unix::fs::symlink("../gone", &link).unwrap();
        for path in [link.clone(), link.join("images")] {
            let error = prepare(&path).unwrap_err();
            let expected =
                format!("cannot write `{}`: `{}` is a symbolic link to `../gone`, which does not exist", path.display(), link.display());
            assert_eq!(error.to_string(), expected);
            assert!(error.hint().unwrap().contains("--output"));
        }
        assert!(write(&link.join("list"), b"x").unwrap_err().to_string().contains("symbolic link to `../gone`"));
    }

    #[test]
    fn a_place_that_cannot_be_written_is_found_before_the_work_and_its_hint_is_not_the_stores() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        prepare(&folder.path().join("new/deep")).unwrap();
        assert_eq!(fs::read_dir(folder.path().join("new/deep")).unwrap().count(), 0);
        let error = prepare(&folder.path().join("file/out")).unwrap_err();
        assert!(error.hint().unwrap().contains("--output"));
        for kind in [io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem, io::ErrorKind::StorageFull] {
            let error = not_written(Path::new("out"))(kind.into());
            assert!(error.hint().unwrap().contains("--output"), "{kind}");
        }
    }
}
