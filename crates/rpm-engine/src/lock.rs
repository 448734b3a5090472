//! One program at a time changes a system.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

/// The right to change a system. Given back when dropped, and by the kernel when the process dies.
#[derive(Debug)]
pub struct Lock {
    ours: File,
    _rpm: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file alone leaves the lock with a child that another thread has just forked, until that child executes its program.
        let _ = self.ours.unlock();
    }
}

/// Why the lock is not ours.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another program has it.
    #[error("another program is changing this system{}", holder(.pid))]
    Held {
        /// Its process, where that is known.
        pid: Option<i32>,
    },
    /// The lock file cannot be made.
    #[error("cannot lock `{path}`")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn holder(pid: &Option<i32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" (process {pid})"))
}

impl Lock {
    /// Takes the lock file `ours`, and librpm's `rpm` so that its programs wait too. Neither is waited for.
    ///
    /// # Errors
    /// When another program holds one of them, or a file cannot be made.
    pub fn take(ours: &Path, rpm: &Path) -> Result<Self, LockError> {
        let mut file = make(ours)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::Held { pid: written(&mut file) }),
            Err(TryLockError::Error(source)) => return Err(LockError::Io { path: ours.to_owned(), source }),
        }
        let io = |source| LockError::Io { path: ours.to_owned(), source };
        file.set_len(0).map_err(io)?;
        file.write_all(format!("{}\n", std::process::id()).as_bytes()).map_err(io)?;
        Ok(Self { ours: file, _rpm: take_rpm(rpm)? })
    }
}

fn make(path: &Path) -> Result<File, LockError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o644).custom_flags(libc::O_NOFOLLOW);
    options.open(path).map_err(|source| LockError::Io { path: path.to_owned(), source })
}

/// librpm locks with `fcntl`, which reports the holder.
fn take_rpm(path: &Path) -> Result<File, LockError> {
    let file = make(path)?;
    let whole = |pid| libc::flock { l_type: libc::F_WRLCK as i16, l_whence: libc::SEEK_SET as i16, l_start: 0, l_len: 0, l_pid: pid };
    match fcntl(&file, FcntlArg::F_SETLK(&whole(0))) {
        Ok(_) => Ok(file),
        Err(nix::Error::EACCES | nix::Error::EAGAIN) => {
            let mut found = whole(0);
            let known = fcntl(&file, FcntlArg::F_GETLK(&mut found)).is_ok() && found.l_pid > 0;
            Err(LockError::Held { pid: known.then_some(found.l_pid) })
        }
        Err(error) => Err(LockError::Io { path: path.to_owned(), source: error.into() }),
    }
}

fn written(file: &mut File) -> Option<i32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_is_first() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, rpm) = (folder.path().join("lock"), folder.path().join(".rpm.lock"));
        let first = Lock::take(&ours, &rpm).unwrap();
        let error = Lock::take(&ours, &rpm).unwrap_err();
        assert_eq!(error.to_string(), format!("another program is changing this system (process {})", std::process::id()));
        drop(first);
        Lock::take(&ours, &rpm).unwrap();
    }

    /// What a child inherited between fork and exec must not keep the lock: another thread may be starting a program at any time.
    #[test]
    fn a_copy_of_the_open_file_does_not_keep_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, rpm) = (folder.path().join("lock"), folder.path().join(".rpm.lock"));
        let first = Lock::take(&ours, &rpm).unwrap();
        let inherited = first.ours.try_clone().unwrap();
        drop(first);
        Lock::take(&ours, &rpm).unwrap();
        drop(inherited);
    }
}
