//! Removes directory trees, whatever a build left in them.
//!
//! Builds leave directories without any permissions (even the kernel does: a `volatile` overlay has two nested ones of mode 000), links to
//! anywhere, and trees deeper than the longest path. So removal never resolves a path: it keeps a descriptor of the current directory, and
//! every step is one name below it. No link is followed, and nothing outside of the tree is opened, changed or removed.
//!
//! The path is kept in memory and `..` leads back up, so that neither the stack nor the number of descriptors limits the depth.

use std::ffi::{CStr, CString, OsStr};
use std::fs::{self, Permissions};
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use nix::dir::{Dir, Type};
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat, openat2};
use nix::sys::stat::{Mode, fchmod, fstat};
use nix::unistd::{UnlinkatFlags, unlinkat};

/// What could not be removed of a tree. Everything else was removed.
#[derive(Debug, thiserror::Error)]
#[error("cannot remove `{}`{}", path.display(), more(*others))]
pub struct RemoveError {
    /// The first file or directory that stayed.
    pub path: PathBuf,
    /// How many others stayed for reasons of their own.
    pub others: usize,
    /// Why the first one stayed.
    pub source: io::Error,
}

fn more(others: usize) -> String {
    if others == 0 { String::new() } else { format!(" and {others} more") }
}

impl From<RemoveError> for io::Error {
    fn from(error: RemoveError) -> Self {
        Self::new(error.source.kind(), error)
    }
}

/// Removes what is at `path`: a file, a link (not what it points to), or a directory with its content, whatever the modes. It is not an
/// error if nothing is there.
///
/// # Errors
/// When something could not be removed, such as files of another user. Everything else is removed.
pub fn remove_tree(path: &Path) -> Result<(), RemoveError> {
    let failed = |source| RemoveError { path: path.to_owned(), others: 0, source };
    let name = path.file_name().ok_or_else(|| failed(io::ErrorKind::InvalidInput.into()))?;
    let name = CString::new(name.as_bytes()).map_err(|error| failed(error.into()))?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let here = match open(parent, STAND | OFlag::O_DIRECTORY, Mode::empty()) {
        Ok(here) => here,
        Err(Errno::ENOENT) => return Ok(()),
        Err(error) => return Err(failed(error.into())),
    };
    let base = Level {
        name: CString::default(),
        identity: identity(&here).map_err(|error| failed(error.into()))?,
        waiting: vec![name],
        is_clear: true,
    };
    Removal { parent, levels: vec![base], first: None, failures: 0 }.run(here)
}

/// A descriptor of a directory, which needs no permission to read it.
const STAND: OFlag = OFlag::O_PATH.union(OFlag::O_CLOEXEC);

/// A directory on the path from the top to the current one.
struct Level {
    /// Its name in the level above.
    name: CString,
    /// Its device and inode, to check that `..` led back to it.
    identity: (u64, u64),
    /// Directories in it that are still to be removed.
    waiting: Vec<CString>,
    /// Whether everything in it could be removed.
    is_clear: bool,
}

struct Removal<'a> {
    parent: &'a Path,
    levels: Vec<Level>,
    first: Option<(PathBuf, io::Error)>,
    failures: usize,
}

impl Removal<'_> {
    fn run(mut self, mut here: OwnedFd) -> Result<(), RemoveError> {
        while let Some(level) = self.levels.last_mut() {
            if let Some(name) = level.waiting.pop() {
                match self.enter(&here, &name) {
                    Ok(Some(below)) => here = below,
                    Ok(None) => {}
                    Err(error) => self.stays(&name, error),
                }
                continue;
            }
            let Some(done) = self.levels.pop() else { break };
            let Some(above) = self.levels.last_mut() else { break };
            here = match climb(&here, above.identity) {
                Ok(up) => up,
                Err(error) => {
                    self.stays(&done.name, error);
                    break;
                }
            };
            if !done.is_clear {
                above.is_clear = false;
            } else if let Err(error) = gone(unlinkat(&here, done.name.as_c_str(), UnlinkatFlags::RemoveDir)) {
                self.stays(&done.name, error.into());
            }
        }
        let Self { first, failures, .. } = self;
        first.map_or(Ok(()), |(path, source)| Err(RemoveError { path, others: failures - 1, source }))
    }

    /// Removes `name` in the directory `here`; of a directory, everything in it except directories. These are then in the topmost level,
    /// and the directory's descriptor is returned.
    fn enter(&mut self, here: &OwnedFd, name: &CStr) -> io::Result<Option<OwnedFd>> {
        let opened = match open_below(here, name, OFlag::O_RDONLY) {
            Err(Errno::EACCES) => open_up(here, name).and_then(|()| Ok(open_below(here, name, OFlag::O_RDONLY)?)),
            Err(Errno::ENOTDIR | Errno::ELOOP) => return Ok(gone(unlinkat(here, name, UnlinkatFlags::NoRemoveDir)).map(|()| None)?),
            Err(Errno::ENOENT) => return Ok(None),
            opened => opened.map_err(Into::into),
        };
        let opened = match opened {
            Ok(opened) => opened,
            // An empty directory of another user can be removed without opening it.
            Err(error) => return unlinkat(here, name, UnlinkatFlags::RemoveDir).map(|()| None).map_err(|_| error),
        };
        let stat = fstat(&opened)?;
        if stat.st_mode & 0o700 != 0o700 {
            // This fails for another user's directory; then the following operations report it.
            let _ = fchmod(&opened, Mode::S_IRWXU);
        }
        let mut listed = Dir::from_fd(opened)?;
        let entries: Vec<(CString, Option<Type>)> =
            listed.iter().map(|entry| entry.map(|entry| (entry.file_name().to_owned(), entry.file_type()))).collect::<Result<_, _>>()?;
        let below = openat(&listed, c".", STAND | OFlag::O_DIRECTORY, Mode::empty())?;
        self.levels.push(Level { name: name.to_owned(), identity: (stat.st_dev, stat.st_ino), waiting: Vec::new(), is_clear: true });
        for (name, kind) in entries {
            self.empty_of(&below, name, kind);
        }
        Ok(Some(below))
    }

    /// Removes an entry of the topmost level, or records it for later if it is a directory.
    fn empty_of(&mut self, here: &OwnedFd, name: CString, kind: Option<Type>) {
        if [c".", c".."].contains(&name.as_c_str()) {
            return;
        }
        let removed = match kind {
            Some(Type::Directory) => Err(Errno::EISDIR),
            _ => gone(unlinkat(here, name.as_c_str(), UnlinkatFlags::NoRemoveDir)),
        };
        match (removed, self.levels.last_mut()) {
            (Err(Errno::EISDIR), Some(level)) => level.waiting.push(name),
            (Err(error), _) => self.stays(&name, error.into()),
            (Ok(()), _) => {}
        }
    }

    /// Records that `name` in the topmost level stays.
    fn stays(&mut self, name: &CStr, error: io::Error) {
        self.failures += 1;
        if self.first.is_none() {
            let names = self.levels.iter().skip(1).map(|level| level.name.as_c_str()).chain([name]);
            let path = names.fold(self.parent.to_owned(), |path, name| path.join(OsStr::from_bytes(name.to_bytes())));
            self.first = Some((path, error));
        }
        if let Some(level) = self.levels.last_mut() {
            level.is_clear = false;
        }
    }
}

/// Opens a directory by its name in `here`: not through a link, and not if something is mounted there, which is not part of the tree.
fn open_below(here: &OwnedFd, name: &CStr, flags: OFlag) -> nix::Result<OwnedFd> {
    let flags = flags | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_XDEV;
    match openat2(here, name, OpenHow::new().flags(flags).resolve(resolve)) {
        // Some containers forbid the call. A single name that is not a link cannot lead out of the tree either.
        Err(Errno::ENOSYS | Errno::EPERM) => openat(here, name, flags, Mode::empty()),
        opened => opened,
    }
}

/// Gives the owner all permissions on a directory that cannot be opened. A chmod by name could be redirected by a link put in its place,
/// and fchmod(2) refuses a descriptor that needs no permission (`O_PATH`); its name in `/proc` refers to exactly the open directory.
fn open_up(here: &OwnedFd, name: &CStr) -> io::Result<()> {
    let folder = open_below(here, name, OFlag::O_PATH)?;
    fs::set_permissions(format!("/proc/self/fd/{}", folder.as_raw_fd()), Permissions::from_mode(0o700))
}

/// The parent directory, if it is still the expected one.
fn climb(here: &OwnedFd, expected: (u64, u64)) -> io::Result<OwnedFd> {
    let above = openat(here, c"..", STAND | OFlag::O_DIRECTORY, Mode::empty())?;
    if identity(&above)? == expected { Ok(above) } else { Err(io::Error::other("it was moved in the meantime")) }
}

fn identity(folder: impl AsFd) -> nix::Result<(u64, u64)> {
    fstat(folder).map(|stat| (stat.st_dev, stat.st_ino))
}

/// Treats a missing file as removed.
fn gone(removed: nix::Result<()>) -> nix::Result<()> {
    match removed {
        Err(Errno::ENOENT) => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, symlink};

    use nix::sys::stat::mkdirat;

    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn nested_directories_of_mode_000_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().join("top");
        let nested: Vec<PathBuf> = (1..=5).map(|depth| top.join(["closed"; 5][..depth].join("/"))).collect();
        fs::create_dir_all(&nested[4]).unwrap();
        for path in nested.iter().rev() {
            fs::write(path.join("file"), "x").unwrap();
            set_mode(path, 0o000);
        }
        remove_tree(&top).unwrap();
        assert!(fs::symlink_metadata(&top).is_err());
        remove_tree(&top).unwrap();
    }

    #[test]
    fn every_mode_of_a_directory_and_of_those_in_it_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().join("top");
        for mode in (0..8).map(|bits| bits << 6) {
            fs::create_dir_all(top.join("a/b/c")).unwrap();
            fs::write(top.join("a/b/file"), "x").unwrap();
            for path in ["a/b/file", "a/b/c", "a/b", "a", ""] {
                set_mode(&top.join(path), mode);
            }
            remove_tree(&top).unwrap_or_else(|error| panic!("{mode:o}: {error}: {}", error.source));
            assert!(!top.exists());
        }
    }

    #[test]
    fn links_are_removed_and_what_they_point_to_keeps_its_mode_and_content() {
        let folder = tempfile::tempdir().unwrap();
        let (outside, top) = (folder.path().join("outside"), folder.path().join("top"));
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("kept"), "kept").unwrap();
        fs::create_dir_all(top.join("closed")).unwrap();
        symlink(&outside, top.join("link")).unwrap();
        symlink("../../outside", top.join("closed/link")).unwrap();
        symlink("nowhere", top.join("closed/dangling")).unwrap();
        set_mode(&outside, 0o500);
        set_mode(&top.join("closed"), 0o000);
        remove_tree(&top).unwrap();
        assert!(!top.exists());
        assert_eq!(fs::metadata(&outside).unwrap().mode() & 0o7777, 0o500);
        assert_eq!(fs::read_to_string(outside.join("kept")).unwrap(), "kept");
        let link = folder.path().join("link");
        symlink(&outside, &link).unwrap();
        remove_tree(&link).unwrap();
        assert!(fs::symlink_metadata(&link).is_err() && outside.join("kept").exists());
        set_mode(&outside, 0o700);
    }

    #[test]
    fn a_tree_deeper_than_any_path_is_removed_with_few_descriptors() {
        const LEVELS: usize = 5000;
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().join("top");
        fs::create_dir(&top).unwrap();
        let mut here = open(&top, STAND, Mode::empty()).unwrap();
        for level in 0..LEVELS {
            mkdirat(&here, c"deeper", Mode::S_IRWXU).unwrap();
            if level % 500 == 0 {
                mkdirat(&here, c"beside", Mode::S_IRWXU).unwrap();
            }
            here = openat(&here, c"deeper", STAND, Mode::empty()).unwrap();
        }
        drop(here);
        let removed = std::thread::Builder::new().stack_size(64 * 1024).spawn({
            let top = top.clone();
            move || remove_tree(&top)
        });
        removed.unwrap().join().unwrap().unwrap();
        assert!(!top.exists());
    }

    #[test]
    fn a_file_and_names_of_any_bytes_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().join("top");
        fs::write(&top, "x").unwrap();
        remove_tree(&top).unwrap();
        fs::create_dir(&top).unwrap();
        fs::create_dir(top.join(OsStr::from_bytes(b"\xff\n"))).unwrap();
        nix::unistd::mkfifo(&top.join("pipe"), Mode::S_IRWXU).unwrap();
        remove_tree(&top).unwrap();
        assert!(!top.exists());
    }

    /// Removes `path` as a user that is not root.
    fn remove_as_ordinary_user(path: &Path) -> Result<(), RemoveError> {
        let path = path.to_owned();
        let remove = move || {
            if nix::unistd::geteuid().is_root() {
                // For this thread only.
                nix::unistd::setfsuid(NOBODY.into());
            }
            remove_tree(&path)
        };
        std::thread::spawn(remove).join().unwrap()
    }

    const NOBODY: u32 = 65534;

    #[test]
    fn what_cannot_be_removed_is_named_and_all_else_goes() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().join("top");
        fs::create_dir_all(top.join("a/b")).unwrap();
        fs::write(top.join("a/b/file"), "x").unwrap();
        if nix::unistd::geteuid().is_root() {
            for path in ["", "a", "a/b"] {
                std::os::unix::fs::chown(top.join(path), Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        set_mode(folder.path(), 0o555);
        let error = remove_as_ordinary_user(&top).unwrap_err();
        assert_eq!((&error.path, error.others, error.source.kind()), (&top, 0, io::ErrorKind::PermissionDenied));
        assert_eq!(error.to_string(), format!("cannot remove `{}`", top.display()));
        assert_eq!(RemoveError { others: 3, ..error }.to_string(), format!("cannot remove `{}` and 3 more", top.display()));
        assert_eq!(fs::read_dir(&top).unwrap().count(), 0);
        set_mode(folder.path(), 0o755);
    }

    #[test]
    #[ignore = "needs root, to make files of another user"]
    fn needs_root_files_of_another_user_stay_and_all_else_goes() {
        let folder = tempfile::tempdir().unwrap();
        set_mode(folder.path(), 0o755);
        let top = folder.path().join("top");
        for (path, owner, mode) in [
            ("", NOBODY, 0o700),
            ("own", NOBODY, 0o000),
            ("closed", 0, 0o700),
            ("listed", 0, 0o744),
            ("open", 0, 0o755),
            ("empty", 0, 0o700),
        ] {
            fs::create_dir(top.join(path)).unwrap();
            if !["", "empty"].contains(&path) {
                fs::write(top.join(path).join("file"), "x").unwrap();
            }
            std::os::unix::fs::chown(top.join(path), Some(owner), Some(owner)).unwrap();
            set_mode(&top.join(path), mode);
        }
        std::os::unix::fs::chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        let error = remove_as_ordinary_user(&top).unwrap_err();
        assert_eq!((error.others, error.source.kind()), (2, io::ErrorKind::PermissionDenied));
        let mut left: Vec<_> = fs::read_dir(&top).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["closed", "listed", "open"]);
    }
}
