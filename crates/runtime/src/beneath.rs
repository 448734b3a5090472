//! Opens what a build left behind without following its links.
//!
//! A build may put a symbolic link, a pipe or a file where a directory is expected. The builder reads and changes the build's files outside
//! of the sandbox, where such a link would lead to files of the host. So every path is opened relative to a [`Directory`] with `openat2(2)`
//! (Linux 5.6), which refuses symbolic links, `/proc` links and `..` in any component, and every file is represented by a [`Handle`] whose
//! kind is known before it is opened: a pipe never blocks, a device is never opened.
//!
//! There is no fallback to plain paths: without `openat2` every function fails with [`io::ErrorKind::Unsupported`].

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat2, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat};

/// No component of a path may leave the directory or be a symbolic link.
const RESOLVE: ResolveFlag = ResolveFlag::RESOLVE_BENEATH.union(ResolveFlag::RESOLVE_NO_SYMLINKS).union(ResolveFlag::RESOLVE_NO_MAGICLINKS);

/// The path of the regular file at `path` below the folder `root`, for code that opens files by path. Only for a tree that no process
/// changes any more, since nothing prevents the file from being replaced.
///
/// # Errors
/// When it is something else, or is reached through a symbolic link.
pub fn regular_file(root: &Path, path: impl AsRef<Path>) -> io::Result<PathBuf> {
    let path = path.as_ref();
    match Directory::open(root)?.entry(path)?.kind() {
        FileKind::Regular => Ok(root.join(path)),
        other => Err(io::Error::new(io::ErrorKind::InvalidInput, format!("not a regular file but {other}"))),
    }
}

/// An open directory. Paths given to its functions are relative to it.
#[derive(Debug)]
pub struct Directory {
    fd: OwnedFd,
}

/// What is at a path: referenced without being opened, so that opening has no effects before its kind is known.
#[derive(Debug)]
pub struct Handle {
    /// Opened with `O_PATH`.
    fd: OwnedFd,
    stat: FileStat,
}

/// Kinds of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A named pipe.
    Pipe,
    /// A socket.
    Socket,
    /// A character device of number 0:0, with which overlayfs marks a removed file.
    Whiteout,
    /// Any other character device.
    CharacterDevice,
    /// A block device.
    BlockDevice,
}

impl Directory {
    /// Opens the directory at `path`. The folders above it are trusted: only the last component must not be a symbolic link. Use it for
    /// a folder that the builder made and no build can replace, and [`Directory::open_directory`] for everything below.
    ///
    /// # Errors
    /// When it is not a directory, or cannot be read.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { fd: open(path, OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC, Mode::empty())? })
    }

    /// Opens a directory below this one.
    ///
    /// # Errors
    /// When it is not a directory (`NotADirectory`), a component is a symbolic link (`ELOOP`), or it cannot be read.
    pub fn open_directory(&self, path: impl AsRef<Path>) -> io::Result<Self> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        Ok(Self { fd: self.resolve(path.as_ref(), flags)? })
    }

    /// A handle of what is at `path`, whatever its kind. A symbolic link as the last component is not followed: the handle refers to the
    /// link itself.
    ///
    /// # Errors
    /// When nothing is there, or a directory above it is a symbolic link or cannot be searched.
    pub fn entry(&self, path: impl AsRef<Path>) -> io::Result<Handle> {
        let fd = self.resolve(path.as_ref(), OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC)?;
        let stat = fstat(&fd)?;
        Ok(Handle { fd, stat })
    }

    /// Opens the regular file at `path` for reading.
    ///
    /// # Errors
    /// As for [`Directory::entry`] and [`Handle::open_file`].
    pub fn open_file(&self, path: impl AsRef<Path>) -> io::Result<File> {
        self.entry(path)?.open_file()
    }

    /// The names in this directory, sorted by their bytes.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names =
            std::fs::read_dir(reopening(&self.fd))?.map(|entry| entry.map(|entry| entry.file_name())).collect::<io::Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    }

    fn resolve(&self, path: &Path, flags: OFlag) -> io::Result<OwnedFd> {
        openat2(&self.fd, path, OpenHow::new().flags(flags).resolve(RESOLVE)).map_err(|error| match error {
            // Old seccomp filters return EPERM for unknown calls.
            nix::Error::ENOSYS | nix::Error::EPERM => io::Error::new(
                io::ErrorKind::Unsupported,
                "the system call openat2 is not available (it needs Linux 5.6, and a container whose seccomp filter allows it)",
            ),
            error => error.into(),
        })
    }
}

impl Handle {
    /// Its kind.
    pub fn kind(&self) -> FileKind {
        match SFlag::from_bits_truncate(self.stat.st_mode & SFlag::S_IFMT.bits()) {
            SFlag::S_IFREG => FileKind::Regular,
            SFlag::S_IFDIR => FileKind::Directory,
            SFlag::S_IFLNK => FileKind::Link,
            SFlag::S_IFIFO => FileKind::Pipe,
            SFlag::S_IFSOCK => FileKind::Socket,
            SFlag::S_IFBLK => FileKind::BlockDevice,
            _ if self.stat.st_rdev == 0 => FileKind::Whiteout,
            _ => FileKind::CharacterDevice,
        }
    }

    /// Its permission bits: the lower twelve bits of `st_mode`.
    pub fn mode(&self) -> u32 {
        self.stat.st_mode & 0o7777
    }

    /// What `fstat(2)` returned when the handle was made.
    pub fn stat(&self) -> &FileStat {
        &self.stat
    }

    /// Sets its permission bits. Works on files that cannot be opened.
    ///
    /// # Errors
    /// When it is a symbolic link, or belongs to another user.
    pub fn set_mode(&self, mode: u32) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        match self.kind() {
            FileKind::Link => Err(io::Error::new(io::ErrorKind::InvalidInput, "a symbolic link has no permissions")),
            _ => std::fs::set_permissions(reopening(&self.fd), std::fs::Permissions::from_mode(mode & 0o7777)),
        }
    }

    /// Opens it for reading.
    ///
    /// # Errors
    /// When it is not a regular file, or its owner may not read it.
    pub fn open_file(&self) -> io::Result<File> {
        match self.kind() {
            FileKind::Regular => File::open(reopening(&self.fd)),
            other => Err(io::Error::new(io::ErrorKind::InvalidInput, format!("not a regular file but {other}"))),
        }
    }

    /// Opens it for reading and writing, and keeps its content.
    ///
    /// # Errors
    /// As for [`Handle::open_file`], and when its owner may not write it.
    pub fn open_file_for_writing(&self) -> io::Result<File> {
        match self.kind() {
            FileKind::Regular => File::options().read(true).write(true).open(reopening(&self.fd)),
            other => Err(io::Error::new(io::ErrorKind::InvalidInput, format!("not a regular file but {other}"))),
        }
    }

    /// Opens it as a directory.
    ///
    /// # Errors
    /// When it is not a directory, or its owner may not read it; use [`Handle::set_mode`] first.
    pub fn open_directory(&self) -> io::Result<Directory> {
        match self.kind() {
            FileKind::Directory => {
                let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
                Ok(Directory { fd: open(&reopening(&self.fd), flags, Mode::empty())? })
            }
            FileKind::Link => Err(nix::Error::ELOOP.into()),
            _ => Err(nix::Error::ENOTDIR.into()),
        }
    }

    /// Its target.
    ///
    /// # Errors
    /// When it is not a symbolic link.
    pub fn read_link(&self) -> io::Result<OsString> {
        Ok(readlinkat(&self.fd, "")?)
    }

    /// The value of its extended attribute `name`, if it has it. A link has none.
    ///
    /// # Errors
    /// When the attribute cannot be read. A file system without extended attributes is not an error.
    pub fn attribute(&self, name: &std::ffi::CStr) -> io::Result<Option<Vec<u8>>> {
        if self.kind() == FileKind::Link {
            return Ok(None);
        }
        let path = std::ffi::CString::new(reopening(&self.fd).as_os_str().as_bytes())?;
        let mut value = vec![0_u8; 4096];
        // SAFETY: both names end with a zero byte, and the buffer's length is given.
        let length = unsafe { nix::libc::getxattr(path.as_ptr(), name.as_ptr(), value.as_mut_ptr().cast(), value.len()) };
        match nix::Error::result(length) {
            Ok(length) => {
                value.truncate(usize::try_from(length).unwrap_or(0));
                Ok(Some(value))
            }
            Err(nix::Error::ENODATA | nix::Error::EOPNOTSUPP) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl std::fmt::Display for FileKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Regular => "a regular file",
            Self::Directory => "a directory",
            Self::Link => "a symbolic link",
            Self::Pipe => "a named pipe (FIFO)",
            Self::Socket => "a socket",
            Self::Whiteout => "a character device 0:0 (an overlayfs whiteout)",
            Self::CharacterDevice => "a character device",
            Self::BlockDevice => "a block device",
        })
    }
}

/// The path that reopens exactly the file of `fd`, even if its name now belongs to another. This is the only link that is followed; it is
/// made by the kernel, and a build cannot change it.
fn reopening(fd: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", fd.as_raw_fd()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn links_in_any_component_are_refused() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "s").unwrap();
        let inside = tempfile::tempdir().unwrap();
        symlink(outside.path(), inside.path().join("out")).unwrap();
        fs::create_dir(inside.path().join("d")).unwrap();
        symlink("../out", inside.path().join("d/up")).unwrap();
        symlink("/proc/self/root", inside.path().join("root")).unwrap();
        symlink(outside.path().join("secret"), inside.path().join("file")).unwrap();
        let root = Directory::open(inside.path()).unwrap();
        for path in ["out/secret", "d/up/secret", "root/etc", "../x", "d/../../x", "/etc/passwd"] {
            assert!(root.entry(path).is_err(), "{path}");
            assert!(root.open_file(path).is_err(), "{path}");
            assert!(root.open_directory(path).is_err(), "{path}");
        }
        for path in ["out", "d/up", "root"] {
            assert!(root.open_directory(path).is_err(), "{path}");
            let handle = root.entry(path).unwrap();
            assert_eq!(handle.kind(), FileKind::Link);
            assert!(handle.open_directory().is_err());
            assert!(handle.open_file().is_err());
            assert!(handle.set_mode(0o777).is_err());
        }
        assert!(root.open_file("file").is_err());
        assert!(regular_file(inside.path(), "file").is_err());
        assert!(regular_file(inside.path(), "out/secret").is_err());
        assert_eq!(regular_file(outside.path(), "secret").unwrap(), outside.path().join("secret"));
        assert!(Directory::open(&inside.path().join("out")).is_err());
        assert_eq!(root.entry("d/up").unwrap().read_link().unwrap(), "../out");
    }

    #[test]
    fn every_kind_is_known_without_opening_it() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "text").unwrap();
        fs::create_dir(at("folder")).unwrap();
        symlink("file", at("link")).unwrap();
        nix::unistd::mkfifo(&at("pipe"), Mode::S_IRWXU).unwrap();
        let _socket = UnixListener::bind(at("socket")).unwrap();
        let root = Directory::open(folder.path()).unwrap();
        let kinds: Vec<FileKind> = root.names().unwrap().iter().map(|name| root.entry(name).unwrap().kind()).collect();
        assert_eq!(kinds, [FileKind::Regular, FileKind::Directory, FileKind::Link, FileKind::Pipe, FileKind::Socket]);
        assert!(root.open_file("pipe").is_err());
        assert!(root.open_file("socket").is_err());
        assert_eq!(io::read_to_string(root.open_file("file").unwrap()).unwrap(), "text");
        assert_eq!(root.entry("file").unwrap().attribute(c"user.none").unwrap(), None);
    }

    #[test]
    fn closed_files_and_directories_are_opened_up_by_their_handles() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("a/b")).unwrap();
        fs::write(at("a/b/file"), "x").unwrap();
        for path in ["a/b/file", "a/b", "a"] {
            fs::set_permissions(at(path), fs::Permissions::from_mode(0o000)).unwrap();
        }
        let mut directory = Directory::open(folder.path()).unwrap();
        for name in ["a", "b"] {
            let handle = directory.entry(name).unwrap();
            assert_eq!(handle.mode(), 0);
            handle.set_mode(0o700).unwrap();
            directory = handle.open_directory().unwrap();
        }
        directory.entry("file").unwrap().set_mode(0o600).unwrap();
        assert_eq!(io::read_to_string(directory.open_file("file").unwrap()).unwrap(), "x");
        assert_eq!(directory.names().unwrap(), ["file"]);
    }

    #[test]
    fn a_handle_stays_with_its_file_when_the_name_is_taken_by_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "own").unwrap();
        fs::write(at("secret"), "secret").unwrap();
        let handle = Directory::open(folder.path()).unwrap().entry("file").unwrap();
        fs::rename(at("file"), at("moved")).unwrap();
        symlink(at("secret"), at("file")).unwrap();
        assert_eq!(io::read_to_string(handle.open_file().unwrap()).unwrap(), "own");
        handle.set_mode(0o400).unwrap();
        assert_eq!(fs::metadata(at("moved")).unwrap().permissions().mode() & 0o777, 0o400);
    }
}
