//! Making files beneath a directory without ever following a link: each component of a path is opened relative to its parent.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use nix::fcntl::{AtFlags, OFlag, open, openat, readlinkat, renameat};
use nix::sys::stat::{FchmodatFlags, FileStat, Mode, UtimensatFlags, fchmodat, fstatat, mkdirat, utimensat};
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchownat, linkat, symlinkat, unlinkat};

use super::step::Gate;
use crate::names::{raw, text};
use crate::owned;

/// A directory that stands for the root of a tree.
pub(crate) struct Beneath<'g> {
    root: OwnedFd,
    gate: &'g dyn Gate,
    /// Whether new files are for their owner only, until they get their own permissions.
    private: bool,
    /// The directory used last and those above it, by name, the outermost first: files come sorted by directory.
    last: Vec<(String, OwnedFd)>,
}

const DIRECTORY: OFlag = OFlag::O_DIRECTORY.union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC).union(OFlag::O_RDONLY);

impl Beneath<'static> {
    /// Opens the root.
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        Ok(Self { root: open_root(root)?, gate: &(), private: false, last: Vec::new() })
    }
}

fn open_root(root: &Path) -> io::Result<OwnedFd> {
    Ok(open(root, OFlag::O_DIRECTORY | OFlag::O_CLOEXEC | OFlag::O_RDONLY, Mode::empty())?)
}

impl<'g> Beneath<'g> {
    /// Opens the root of a system in use: the gate is asked before every change, and new files are not readable by others at first.
    pub(crate) fn of_system(root: &Path, gate: &'g dyn Gate) -> io::Result<Self> {
        Ok(Self { root: open_root(root)?, gate, private: true, last: Vec::new() })
    }

    /// Looks every directory up again: somebody else may have changed them.
    pub(crate) fn forget(&mut self) {
        self.last.clear();
    }

    /// Makes a directory. Its parent must be there; the directory itself may be.
    pub(crate) fn directory(&mut self, path: &str) -> io::Result<()> {
        self.gate.pass("mkdir")?;
        let (parent, base) = self.parent(path)?;
        match mkdirat(parent, &*raw(base), Mode::from_bits_truncate(0o755)) {
            Ok(()) | Err(nix::Error::EEXIST) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes a new, empty file that we may write, executable if `mode` says so.
    pub(crate) fn file(&mut self, path: &str, mode: u16) -> io::Result<File> {
        self.gate.pass("write")?;
        let private = self.private;
        let (parent, base) = self.parent(path)?;
        let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_WRONLY | OFlag::O_CLOEXEC;
        let mode = match mode & 0o111 {
            _ if private => 0o600,
            0 => 0o644,
            _ => 0o755,
        };
        Ok(File::from(openat(parent, &*raw(base), flags, Mode::from_bits_truncate(mode))?))
    }

    /// Makes a symbolic link.
    pub(crate) fn symlink(&mut self, path: &str, target: &str) -> io::Result<()> {
        self.gate.pass("symlink")?;
        let (parent, base) = self.parent(path)?;
        Ok(symlinkat(&*raw(target), parent, &*raw(base))?)
    }

    /// Gives the file at `to` another name.
    pub(crate) fn hardlink(&mut self, path: &str, to: &str) -> io::Result<()> {
        self.gate.pass("link")?;
        if let Some((from, name)) = same_directory(to, path) {
            let (parent, _) = self.parent(path)?;
            return Ok(linkat(parent, &*raw(from), parent, &*raw(name), AtFlags::empty())?);
        }
        let (parent, base) = self.parent(to)?;
        let (from_parent, from_base) = (parent.as_fd().try_clone_to_owned()?, base.to_owned());
        let (parent, base) = self.parent(path)?;
        Ok(linkat(from_parent, &*raw(&from_base), parent, &*raw(base), AtFlags::empty())?)
    }

    /// Where the link at `path` points; none for anything else, or nothing at all.
    pub(crate) fn read_link(&mut self, path: &str) -> io::Result<Option<String>> {
        match self.parent(path).and_then(|(parent, base)| Ok(readlinkat(parent, &*raw(base))?)) {
            Ok(target) => Ok(Some(text(target.as_bytes()))),
            Err(error) if is_absence(&error) || error.raw_os_error() == Some(nix::Error::EINVAL as i32) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What is at `path`, if anything; a link is not followed.
    pub(crate) fn stat(&mut self, path: &str) -> io::Result<Option<FileStat>> {
        if path.is_empty() || path == "/" {
            return Ok(Some(nix::sys::stat::fstat(&self.root)?));
        }
        match self.parent(path).and_then(|(parent, base)| Ok(fstatat(parent, &*raw(base), AtFlags::AT_SYMLINK_NOFOLLOW)?)) {
            Ok(stat) => Ok(Some(stat)),
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Opens the regular file at `path` for reading, also one that is closed to its owner.
    pub(crate) fn read(&mut self, path: &str) -> io::Result<File> {
        let (parent, base) = self.parent(path)?;
        owned::open_at(parent, Path::new(&*raw(base)))
    }

    /// Gives the file or link `from` the name `to`, in place of whatever has it.
    pub(crate) fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.gate.pass("rename")?;
        if let Some((from_base, base)) = same_directory(from, to) {
            let (parent, _) = self.parent(to)?;
            return Ok(renameat(parent, &*raw(from_base), parent, &*raw(base))?);
        }
        let (parent, base) = self.parent(from)?;
        let (from_parent, from_base) = (parent.as_fd().try_clone_to_owned()?, base.to_owned());
        let (parent, base) = self.parent(to)?;
        Ok(renameat(from_parent, &*raw(&from_base), parent, &*raw(base))?)
    }

    /// Removes a file or link, if it is there.
    pub(crate) fn unlink(&mut self, path: &str) -> io::Result<()> {
        self.gate.pass("unlink")?;
        absent_is_fine(self.parent(path).and_then(|(parent, base)| Ok(unlinkat(parent, &*raw(base), UnlinkatFlags::NoRemoveDir)?)))
    }

    /// Removes a directory, if it is there and contains nothing.
    pub(crate) fn remove_directory(&mut self, path: &str) -> io::Result<()> {
        self.gate.pass("rmdir")?;
        const BUSY: [nix::Error; 3] = [nix::Error::ENOTEMPTY, nix::Error::EEXIST, nix::Error::EBUSY];
        let result = self.parent(path).and_then(|(parent, base)| Ok(unlinkat(parent, &*raw(base), UnlinkatFlags::RemoveDir)?));
        match absent_is_fine(result) {
            Err(error) if BUSY.iter().any(|busy| error.raw_os_error() == Some(*busy as i32)) => Ok(()),
            result => result,
        }
    }

    /// Sets owner and group.
    pub(crate) fn own(&mut self, path: &str, user: u32, group: u32) -> io::Result<()> {
        self.gate.pass("chown")?;
        let (parent, base) = self.parent(path)?;
        Ok(fchownat(parent, &*raw(base), Some(Uid::from_raw(user)), Some(Gid::from_raw(group)), AtFlags::AT_SYMLINK_NOFOLLOW)?)
    }

    /// Sets the permission bits of what is not a link.
    pub(crate) fn permit(&mut self, path: &str, mode: u16) -> io::Result<()> {
        self.gate.pass("chmod")?;
        let (parent, base) = self.parent(path)?;
        Ok(fchmodat(parent, &*raw(base), Mode::from_bits_truncate(u32::from(mode & 0o7777)), FchmodatFlags::FollowSymlink)?)
    }

    /// Sets the time of last change.
    pub(crate) fn date(&mut self, path: &str, mtime: u32) -> io::Result<()> {
        self.gate.pass("utimes")?;
        let (parent, base) = self.parent(path)?;
        let time = TimeSpec::new(i64::from(mtime), 0);
        Ok(utimensat(parent, &*raw(base), &time, &time, UtimensatFlags::NoFollowSymlink)?)
    }

    /// Sets the attribute `security.capability`.
    pub(crate) fn allow(&mut self, path: &str, value: &[u8; 20]) -> io::Result<()> {
        self.gate.pass("setxattr")?;
        let file = self.read(path)?;
        // SAFETY: the name ends with a zero byte, and the value's length is given.
        let result =
            unsafe { nix::libc::fsetxattr(file.as_raw_fd(), c"security.capability".as_ptr(), value.as_ptr().cast(), value.len(), 0) };
        nix::Error::result(result).map(drop).map_err(Into::into)
    }

    /// Opens a directory.
    pub(crate) fn open_directory(&mut self, path: &str) -> io::Result<File> {
        if path.is_empty() || path == "/" {
            return Ok(File::from(self.root.try_clone()?));
        }
        let (parent, base) = self.parent(path)?;
        Ok(File::from(openat(parent, &*raw(base), DIRECTORY, Mode::empty())?))
    }

    /// Waits until everything on the file system that `path`, a directory, is on is on the disk.
    pub(crate) fn sync(&mut self, path: &str) -> io::Result<()> {
        self.gate.pass("fsync")?;
        Ok(nix::unistd::syncfs(self.open_directory(path)?)?)
    }

    /// The opened parent of `path`, which is absolute and normalised, and the last component.
    fn parent<'a>(&mut self, path: &'a str) -> io::Result<(&OwnedFd, &'a str)> {
        let (directory, base) = path.rsplit_once('/').ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        let mut components = directory.split('/').skip(1);
        let mut rest = components.clone();
        let mut known = 0;
        while let (Some(component), Some((name, _))) = (components.next(), self.last.get(known))
            && component == name
        {
            known += 1;
            rest = components.clone();
        }
        self.last.truncate(known);
        for component in rest {
            if matches!(component, "" | "." | "..") {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            let above = self.last.last().map_or(&self.root, |(_, opened)| opened);
            let opened = openat(above, &*raw(component), DIRECTORY, Mode::empty())?;
            self.last.push((component.to_owned(), opened));
        }
        Ok((self.last.last().map_or(&self.root, |(_, opened)| opened), base))
    }
}

/// The last components of two paths, if all else of them is equal.
fn same_directory<'a>(from: &'a str, to: &'a str) -> Option<(&'a str, &'a str)> {
    let ((from_directory, from), (to_directory, to)) = (from.rsplit_once('/')?, to.rsplit_once('/')?);
    (from_directory == to_directory).then_some((from, to))
}

/// Whether an error says that there is nothing by that name.
fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if is_absence(&error) => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_on_disk_are_never_followed() {
        let outside = tempfile::tempdir().unwrap();
        let root = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(outside.path(), root.path().join("out")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("f"), root.path().join("f")).unwrap();
        let mut beneath = Beneath::open(root.path()).unwrap();
        assert!(beneath.file("/out/x", 0o644).is_err());
        assert!(beneath.file("/f", 0o644).is_err());
        assert!(beneath.directory("/out/d").is_err());
        assert!(beneath.file("/../x", 0o644).is_err());
        assert!(beneath.symlink("/out/s", "x").is_err());
        assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
        beneath.directory("/d").unwrap();
        beneath.file("/d/x", 0o644).unwrap();
        beneath.hardlink("/d/y", "/d/x").unwrap();
        assert!(root.path().join("d/y").is_file());
    }
}
