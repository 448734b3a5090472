//! The install root of a build. Nothing in it is opened through links that the build made.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::beneath::{Directory, FileKind};
use base::diagnostic::Failure;

/// The directory that a build installed into.
#[derive(Debug)]
pub struct InstallRoot {
    directory: Directory,
    path: PathBuf,
}

/// Why the install root of a build cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InstallRootError {
    /// The build replaced it with something else.
    #[error("the build replaced its install root $DESTDIR with {found}")]
    Replaced {
        /// What is there.
        found: FileKind,
    },
    /// The build removed it.
    #[error("the build removed its install root $DESTDIR")]
    Removed,
    /// A file operation failed.
    #[error("cannot open the build's install root `{}`", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Failure for InstallRootError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Replaced { .. } | Self::Removed => Some("leave the directory $DESTDIR in place and install into it".into()),
            Self::Io { .. } => None,
        }
    }
}

impl InstallRoot {
    /// Opens the install root at `path`. Its parent must be a directory that the builder made and no build can replace.
    ///
    /// # Errors
    /// When it is not a directory, or does not exist.
    pub fn open(path: &Path) -> Result<Self, InstallRootError> {
        let fail = |source| InstallRootError::Io { path: path.to_owned(), source };
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(fail(io::ErrorKind::InvalidInput.into()));
        };
        let handle = match Directory::open(parent).map_err(fail)?.entry(name) {
            Ok(handle) => handle,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(InstallRootError::Removed),
            Err(error) => return Err(fail(error)),
        };
        if handle.kind() != FileKind::Directory {
            return Err(InstallRootError::Replaced { found: handle.kind() });
        }
        if handle.mode() & 0o700 != 0o700 {
            handle.set_mode(0o755).map_err(fail)?;
        }
        Ok(Self { directory: handle.open_directory().map_err(fail)?, path: path.to_owned() })
    }

    /// The directory, to open files below it.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The path on the builder of the file installed at `path`, for messages.
    pub fn path_of(&self, path: &str) -> PathBuf {
        self.path.join(path.trim_start_matches('/'))
    }
}

/// A regular file in an install root.
#[derive(Debug, Clone)]
pub struct InstalledFile {
    root: Arc<InstallRoot>,
    path: String,
    /// Device and inode, if the file has other names.
    pub hard_link: Option<(u64, u64)>,
    /// The value of its attribute `security.capability`.
    pub capabilities: Option<Vec<u8>>,
}

impl InstalledFile {
    /// The file installed at `path`, which was found to be a regular file.
    pub fn new(root: &Arc<InstallRoot>, path: &str, hard_link: Option<(u64, u64)>, capabilities: Option<Vec<u8>>) -> Self {
        Self { root: Arc::clone(root), path: path.trim_start_matches('/').to_owned(), hard_link, capabilities }
    }

    /// Opens it.
    ///
    /// # Errors
    /// When it cannot be opened, or is no longer a regular file.
    pub fn open(&self) -> io::Result<File> {
        self.root.directory.open_file(&self.path)
    }

    /// Its path on the builder, for messages and for a library that opens files by path.
    pub fn path(&self) -> PathBuf {
        self.root.path_of(&self.path)
    }
}

impl PartialEq for InstalledFile {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.root, &other.root) && self.path == other.path
    }
}

impl Eq for InstalledFile {}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn only_a_directory_of_the_build_is_an_install_root() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        fs::create_dir(&secret).unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o500)).unwrap();
        let out = folder.path().join("out");
        let message = || InstallRoot::open(&out).unwrap_err().to_string();
        assert_eq!(message(), "the build removed its install root $DESTDIR");
        symlink("secret", &out).unwrap();
        assert_eq!(message(), "the build replaced its install root $DESTDIR with a symbolic link");
        fs::remove_file(&out).unwrap();
        fs::write(&out, "").unwrap();
        assert_eq!(message(), "the build replaced its install root $DESTDIR with a regular file");
        fs::remove_file(&out).unwrap();
        nix::unistd::mkfifo(&out, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(message(), "the build replaced its install root $DESTDIR with a named pipe (FIFO)");
        assert_eq!(fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o500);
        fs::remove_file(&out).unwrap();
        fs::create_dir(&out).unwrap();
        fs::set_permissions(&out, fs::Permissions::from_mode(0o000)).unwrap();
        assert!(InstallRoot::open(&out).is_ok());
    }
}
