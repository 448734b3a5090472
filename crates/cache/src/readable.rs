//! Whether the folder of a cache can be read. One that cannot looks like an empty one to those who ask for files by name.

use std::fs;
use std::io;
use std::path::PathBuf;

use base::diagnostic::{ExitCode, Failure};
use sdk::apt::CacheAddress;

/// A folder that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the cache `{}`", path.display())]
pub struct UnreadableFolder {
    /// The cache, or a folder in it.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

impl Failure for UnreadableFolder {
    fn hint(&self) -> Option<String> {
        Some(match self.source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                "check the path, and that the file system it is on is mounted; `cargo xtask cache export` writes a cache".into()
            }
            _ => "check who may read the directory and those above it".into(),
        })
    }

    fn exit(&self) -> ExitCode {
        ExitCode::Failed
    }
}

/// Checks the folder of a cache that is one of this machine; servers say themselves what is wrong.
///
/// # Errors
/// When it is not there, or something in it cannot be read.
pub fn check_readable(address: &CacheAddress) -> Result<(), UnreadableFolder> {
    let CacheAddress::Files(files) = address else { return Ok(()) };
    let Some(folder) = files.folder() else { return Ok(()) };
    list(folder.clone())?;
    for part in ["ac", "cas"] {
        // It begins empty.
        list(folder.join(part)).or_else(|error| if error.source.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })?;
    }
    Ok(())
}

/// Folders of files that are found by name must be searchable; a list of what is in them is not needed.
fn list(path: PathBuf) -> Result<(), UnreadableFolder> {
    match fs::metadata(path.join(".")) {
        Ok(_) => Ok(()),
        Err(source) => Err(UnreadableFolder { path, source }),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use super::*;

    fn checked(folder: &Path) -> Result<(), (PathBuf, io::ErrorKind)> {
        let address = format!("file:{}", folder.display()).parse().unwrap();
        check_readable(&address).map_err(|error| (error.path, error.source.kind()))
    }

    #[test]
    fn folders_that_cannot_be_read_are_not_taken_for_empty() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("cache");
        assert_eq!(checked(&cache), Err((cache.clone(), io::ErrorKind::NotFound)));
        fs::create_dir_all(cache.join("ac")).unwrap();
        assert_eq!(checked(&cache), Ok(()));
        fs::write(cache.join("cas"), "").unwrap();
        assert_eq!(checked(&cache), Err((cache.join("cas"), io::ErrorKind::NotADirectory)));
        fs::remove_file(cache.join("cas")).unwrap();
        if nix_is_root() {
            return;
        }
        fs::set_permissions(cache.join("ac"), Permissions::from_mode(0o000)).unwrap();
        assert_eq!(checked(&cache), Err((cache.join("ac"), io::ErrorKind::PermissionDenied)));
        fs::set_permissions(cache.join("ac"), Permissions::from_mode(0o755)).unwrap();
        assert!(check_readable(&"http://a.test/x".parse().unwrap()).is_ok());
    }

    /// To whom nothing is closed.
    fn nix_is_root() -> bool {
        fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
    }
}
