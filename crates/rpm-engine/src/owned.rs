//! Reading files whose mode forbids it to their owner.
//!
//! `/etc/shadow` has mode 000: root reads it all the same, an ordinary user who works on a tree of its own does not. The owner may change
//! the mode, so the file is opened for the moment it takes to open it.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::{AsFd, AsRawFd as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::sys::stat::Mode;

/// The bit that lets the owner read.
const OWNER_READS: u32 = 0o400;

/// Opens a file for reading, also a regular file of this user whose mode forbids that. Its mode is the same afterwards. A link at the end
/// of the path is not followed.
///
/// # Errors
/// When there is no such file, it is a link, it belongs to another user and may not be read, or it cannot be opened.
pub fn open(path: &Path) -> io::Result<File> {
    open_at(AT_FDCWD, path)
}

/// As [`open`], with a path relative to an opened directory.
pub(crate) fn open_at(directory: impl AsFd, path: &Path) -> io::Result<File> {
    let open = |flags: OFlag| openat(&directory, path, flags | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC, Mode::empty());
    let refused = match open(OFlag::O_RDONLY | OFlag::O_NONBLOCK) {
        Ok(file) => return Ok(File::from(file)),
        Err(nix::Error::EACCES) => io::Error::from(nix::Error::EACCES),
        Err(error) => return Err(error.into()),
    };
    // A handle without access stays on this very file, whatever happens to its name.
    let Ok(handle) = open(OFlag::O_PATH).map(File::from) else { return Err(refused) };
    let metadata = handle.metadata()?;
    let mode = metadata.mode() & 0o7777;
    let is_own = metadata.uid() == nix::unistd::geteuid().as_raw();
    if !metadata.is_file() || !is_own || mode & OWNER_READS != 0 {
        return Err(refused);
    }
    let same = PathBuf::from(format!("/proc/self/fd/{}", handle.as_raw_fd()));
    fs::set_permissions(&same, Permissions::from_mode(mode | OWNER_READS)).map_err(|_| refused)?;
    let opened = File::open(&same);
    fs::set_permissions(&same, Permissions::from_mode(mode))?;
    opened
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn the_owner_reads_a_closed_file_and_its_mode_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shadow");
        for mode in [0, 0o040, 0o200, 0o4000, 0o640] {
            let _ = fs::remove_file(&path);
            fs::write(&path, "secret").unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let mut text = String::new();
            open(&path).unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, "secret", "{mode:o}");
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, mode, "{mode:o}");
        }
    }

    #[test]
    fn links_are_not_followed_and_absence_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "x").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o000)).unwrap();
        symlink(&file, &link).unwrap();
        assert_eq!(open(&link).unwrap_err().raw_os_error(), Some(nix::Error::ELOOP as i32));
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, 0);
        assert_eq!(open(&folder.path().join("none")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
