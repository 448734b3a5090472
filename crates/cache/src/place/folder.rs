//! A folder of this machine.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::{Content, Place, PlaceError, Replaced, Version, by_digest};
use base::digest::Digest;

/// How files begin that are still being written.
pub(crate) const UNFINISHED: &str = ".new-";

/// A folder whose files everybody may read.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder at `path`, which need not be there.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }
}

impl Folder {
    /// The folder, locked until the file is closed. Some network file systems lock no folders: there, what was written is only checked afterwards.
    fn lock(&self) -> Result<File, PlaceError> {
        let unusable = |operation| move |source| PlaceError::file(operation, &self.0, source);
        create(&self.0).map_err(unusable("create"))?;
        let folder = File::open(&self.0).map_err(unusable("open"))?;
        let _ = folder.lock();
        Ok(folder)
    }
}

impl Place for Folder {
    fn read(&self, name: &str) -> Result<Option<Version>, PlaceError> {
        let path = self.0.join(name);
        match read_regular(&path) {
            Ok(bytes) => Ok(Some(Version { bytes, tag: None })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(PlaceError::file("read", path, source)),
        }
    }

    fn has(&self, object: &Digest, size_bytes: u64) -> Result<bool, PlaceError> {
        let path = self.0.join(by_digest(object));
        // A copy of the folder may have been interrupted.
        if !fs::metadata(&path).is_ok_and(|file| file.is_file() && file.len() == size_bytes) {
            return Ok(false);
        }
        File::open(&path).map(|_| true).map_err(|source| PlaceError::file("read", path, source))
    }

    fn write(&self, name: &str, content: Content<'_>) -> Result<(), PlaceError> {
        let path = self.0.join(name);
        write(&path, content).map_err(|source| PlaceError::file("write", path, source))
    }

    fn replace(&self, name: &str, bytes: &[u8], seen: Option<&Version>) -> Result<Replaced, PlaceError> {
        let _lock = self.lock()?;
        if self.read(name)?.as_ref() != seen {
            return Ok(Replaced::Changed);
        }
        self.write(name, Content::Bytes(bytes)).map(|()| Replaced::Done)
    }

    fn shown(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

/// The content of a file; reading a pipe might never end.
fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    fs::read(path)
}

/// Creates a folder that everybody may read. Where a group writes, but not everybody, the group may write in the new folder, too, whatever
/// the umask.
fn create(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let above = fs::metadata(parent)?.permissions().mode();
    let is_of_group = above & (GROUP_WRITES | ALL_WRITE) == GROUP_WRITES;
    let mode = if is_of_group { 0o755 | above & (GROUP_WRITES | GROUP_IS_INHERITED) } else { 0o755 };
    fs::set_permissions(folder, Permissions::from_mode(mode))
}

/// The bit of a mode by which the group may write (inode(7)).
const GROUP_WRITES: u32 = 0o020;

/// The bit of a mode by which everybody may write (inode(7)).
const ALL_WRITE: u32 = 0o002;

/// The bit of a folder's mode by which what is made in it belongs to its group (inode(7)).
const GROUP_IS_INHERITED: u32 = 0o2000;

/// The file has its name only when everything in it is on the disk.
fn write(path: &Path, content: Content<'_>) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    create(folder)?;
    let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
    match content {
        Content::Bytes(bytes) => file.write_all(bytes)?,
        Content::File(from) => drop(io::copy(&mut File::open(from)?, &mut file)?),
    }
    file.as_file().set_permissions(Permissions::from_mode(0o644))?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_somebody_changed_meanwhile_is_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let folder = Folder::new(directory.path().join("new"));
        assert_eq!(folder.replace("ac/x", b"first", None).unwrap(), Replaced::Done);
        assert_eq!(folder.replace("ac/x", b"other", None).unwrap(), Replaced::Changed);
        let seen = folder.read("ac/x").unwrap().unwrap();
        assert_eq!(folder.replace("ac/x", b"second", Some(&seen)).unwrap(), Replaced::Done);
        assert_eq!(folder.replace("ac/x", b"third", Some(&seen)).unwrap(), Replaced::Changed);
        assert_eq!(folder.read("ac/x").unwrap().unwrap().bytes, b"second");
    }

    #[test]
    fn the_group_that_writes_a_cache_may_write_in_its_new_folders() {
        let directory = tempfile::tempdir().unwrap();
        for (mode, expected) in [(0o755, 0o755), (0o775, 0o775), (0o2775, 0o2775), (0o700, 0o755), (0o1777, 0o755)] {
            let top = directory.path().join(format!("{mode:o}"));
            fs::create_dir(&top).unwrap();
            fs::set_permissions(&top, Permissions::from_mode(mode)).unwrap();
            Folder::new(&top).write("ac/x", Content::Bytes(b"content")).unwrap();
            assert_eq!(fs::metadata(top.join("ac")).unwrap().permissions().mode() & 0o7777, expected, "{mode:o}");
            assert_eq!(fs::metadata(&top).unwrap().permissions().mode() & 0o7777, mode, "{mode:o}");
        }
    }

    #[test]
    fn an_object_that_cannot_be_read_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let (folder, object) = (Folder::new(directory.path()), Digest::of_bytes("content"));
        folder.write(&by_digest(&object), Content::Bytes(b"content")).unwrap();
        let path = directory.path().join(by_digest(&object));
        fs::set_permissions(&path, Permissions::from_mode(0o000)).unwrap();
        // Root reads everything.
        assert_eq!(folder.has(&object, 7).is_ok(), File::open(&path).is_ok());
    }

    #[test]
    fn a_folder_in_place_of_a_file_is_named() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir_all(directory.path().join("ac/x")).unwrap();
        assert!(matches!(Folder::new(directory.path()).read("ac/x"), Err(PlaceError::File(_))));
    }

    #[test]
    fn a_file_that_was_cut_off_is_not_there() {
        let directory = tempfile::tempdir().unwrap();
        let (folder, object) = (Folder::new(directory.path()), Digest::of_bytes("content"));
        assert!(!folder.has(&object, 7).unwrap());
        folder.write(&by_digest(&object), Content::Bytes(b"cont")).unwrap();
        assert!(!folder.has(&object, 7).unwrap());
        folder.write(&by_digest(&object), Content::Bytes(b"content")).unwrap();
        assert!(folder.has(&object, 7).unwrap());
    }
}
