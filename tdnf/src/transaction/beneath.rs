//! Making files beneath a directory without ever following a link: each component of a path is opened relative to its parent.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::fcntl::{AtFlags, OFlag, open, openat};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::{linkat, symlinkat};

/// A directory that stands for the root of a tree.
pub(super) struct Beneath {
    root: OwnedFd,
    /// The directory used last: files come sorted by directory.
    last: Option<(String, OwnedFd)>,
}

const DIRECTORY: OFlag = OFlag::O_DIRECTORY.union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC).union(OFlag::O_RDONLY);

impl Beneath {
    /// Opens the root.
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        Ok(Self { root: open(root, OFlag::O_DIRECTORY | OFlag::O_CLOEXEC | OFlag::O_RDONLY, Mode::empty())?, last: None })
    }

    /// Makes a directory. Its parent must be there; the directory itself may be.
    pub(super) fn directory(&mut self, path: &str) -> io::Result<()> {
        let (parent, base) = self.parent(path)?;
        match mkdirat(parent, base, Mode::from_bits_truncate(0o755)) {
            Ok(()) | Err(nix::Error::EEXIST) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes a new, empty file that we may write, executable if `mode` says so.
    pub(super) fn file(&mut self, path: &str, mode: u16) -> io::Result<File> {
        let (parent, base) = self.parent(path)?;
        let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_WRONLY | OFlag::O_CLOEXEC;
        let mode = if mode & 0o111 == 0 { 0o644 } else { 0o755 };
        Ok(File::from(openat(parent, base, flags, Mode::from_bits_truncate(mode))?))
    }

    /// Makes a symbolic link.
    pub(super) fn symlink(&mut self, path: &str, target: &str) -> io::Result<()> {
        let (parent, base) = self.parent(path)?;
        Ok(symlinkat(target, parent, base)?)
    }

    /// Gives the file at `to` another name.
    pub(super) fn hardlink(&mut self, path: &str, to: &str) -> io::Result<()> {
        let (parent, base) = self.parent(to)?;
        let (from_parent, from_base) = (parent.as_fd().try_clone_to_owned()?, base.to_owned());
        let (parent, base) = self.parent(path)?;
        Ok(linkat(from_parent, from_base.as_str(), parent, base, AtFlags::empty())?)
    }

    /// The opened parent of `path`, which is absolute and normalised, and the last component.
    fn parent<'a>(&mut self, path: &'a str) -> io::Result<(&OwnedFd, &'a str)> {
        let (directory, base) = path.rsplit_once('/').ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        if directory.is_empty() {
            return Ok((&self.root, base));
        }
        if self.last.as_ref().is_none_or(|(last, _)| last != directory) {
            let mut at: Option<OwnedFd> = None;
            for component in directory.split('/').skip(1) {
                if matches!(component, "" | "." | "..") {
                    return Err(io::ErrorKind::InvalidInput.into());
                }
                at = Some(openat(at.as_ref().unwrap_or(&self.root), component, DIRECTORY, Mode::empty())?);
            }
            self.last = at.map(|opened| (directory.to_owned(), opened));
        }
        Ok((self.last.as_ref().map_or(&self.root, |(_, opened)| opened), base))
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
