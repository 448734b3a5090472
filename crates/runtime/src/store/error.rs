//! Errors of the store.

use std::io;
use std::path::{Path, PathBuf};

use super::RemoveError;
use crate::disk_space::{self, MORE_INODES, NoInodes};
use base::diagnostic::{ExitCode, Failure};
use base::digest::Digest;
use base::file_error::FileError;

/// Why an operation of the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system said no.
    #[error(transparent)]
    Io(FileError),
    /// The store itself cannot be used.
    #[error(transparent)]
    Open(FileError),
    /// Something could not be removed.
    #[error(transparent)]
    Remove(#[from] RemoveError),
    /// The content of a stored object does not match its name. It has been set aside.
    #[error("stored object {expected} has wrong content (SHA-256 {found}); it was moved to `{}`", aside.display())]
    Corrupt {
        /// The digest in its name.
        expected: Digest,
        /// The digest of its content.
        found: Digest,
        /// Where it is now.
        aside: PathBuf,
    },
    /// A stored object that a result refers to is missing.
    #[error("stored object {digest} is missing")]
    Missing {
        /// Its digest.
        digest: Digest,
    },
    /// Another process uses the store, so nothing may be removed.
    #[error("another builder is using the store `{}`", store.display())]
    InUse {
        /// The store.
        store: PathBuf,
    },
    /// The user asked to stop while something was waited for.
    #[error("interrupted")]
    Interrupted,
    /// A stored result is not valid JSON of its type.
    #[error("stored result `{}` cannot be read", path.display())]
    BadResult {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
}

/// The hint for a full disk.
const MAKE_ROOM: &str =
    "free some space (`cargo xtask gc` removes what nothing needs) and run the same command again: packages that are built are kept";

/// The next step if `error` is a full disk.
pub fn full_disk_hint(error: &io::Error) -> Option<String> {
    if error.get_ref().is_some_and(|inner| inner.is::<NoInodes>()) {
        return Some(MORE_INODES.into());
    }
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded).then(|| MAKE_ROOM.into())
}

impl StoreError {
    /// An I/O error at `path`.
    pub fn io(operation: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io(FileError::new(operation, path, disk_space::explained(source, path)))
    }

    /// The same error while the store is being opened, whose hint is to use another store.
    pub(super) fn while_opening(self) -> Self {
        match self {
            Self::Io(error) => Self::Open(error),
            other => other,
        }
    }

    /// Whether building or fetching again fixes it.
    pub fn is_loss(&self) -> bool {
        matches!(self, Self::Corrupt { .. } | Self::Missing { .. } | Self::BadResult { .. })
    }
}

/// The directory whose permissions decide who may change `path`.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(path)
}

impl Failure for StoreError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Open(FileError { source, .. }) => match source.kind() {
                io::ErrorKind::PermissionDenied => Some("set KAON_STORE to a directory you may write to".into()),
                io::ErrorKind::ReadOnlyFilesystem => Some("set KAON_STORE to a directory on a writable file system".into()),
                _ => full_disk_hint(source),
            },
            Self::Io(FileError { path, source, .. }) => match source.kind() {
                io::ErrorKind::PermissionDenied => Some(format!("`ls -ld {}` shows who may write to it", folder_of(path).display())),
                _ => full_disk_hint(source),
            },
            Self::Remove(error) => match error.source.kind() {
                io::ErrorKind::PermissionDenied => {
                    Some("it belongs to another user, or has the attribute `immutable`: remove it as root".into())
                }
                io::ErrorKind::CrossesDevices => Some("a file system is mounted there: unmount it and run the same command again".into()),
                _ => None,
            },
            Self::Interrupted => None,
            Self::InUse { .. } => Some("run the same command again when it has finished".into()),
            Self::Corrupt { .. } | Self::Missing { .. } | Self::BadResult { .. } => {
                Some("run the same command again: it is fetched or built again".into())
            }
        }
    }

    fn exit(&self) -> ExitCode {
        if matches!(self, Self::Interrupted) { ExitCode::Interrupted } else { ExitCode::Failed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(error: StoreError) -> String {
        error.hint().unwrap_or_default()
    }

    #[test]
    fn another_store_is_advised_only_where_it_helps() {
        let denied = || io::Error::from(io::ErrorKind::PermissionDenied);
        let io = || StoreError::io("make", Path::new("/out/images/x"), denied());
        assert_eq!(hint(io()), "`ls -ld /out/images` shows who may write to it");
        assert_eq!(hint(io().while_opening()), "set KAON_STORE to a directory you may write to");
        let remove = RemoveError { path: "/store/scratch/x".into(), others: 0, source: denied() };
        assert!(hint(remove.into()).contains("belongs to another user"));
        let full = StoreError::io("write", Path::new("/x"), io::ErrorKind::StorageFull.into());
        assert_eq!(hint(full.while_opening()), MAKE_ROOM);
    }
}
