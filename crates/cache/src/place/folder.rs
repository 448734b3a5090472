//! A folder of this machine.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::{Content, Place, PlaceError, Replaced, Version, by_digest};
use base::digest::Digest;

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
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(Version { bytes, tag: None })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(PlaceError::file("read", path, source)),
        }
    }

    fn has(&self, object: &Digest, size_bytes: u64) -> Result<bool, PlaceError> {
        // A copy of the folder may have been interrupted.
        Ok(fs::metadata(self.0.join(by_digest(object))).is_ok_and(|file| file.is_file() && file.len() == size_bytes))
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

fn create(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(0o755))
}

/// The file has its name only when everything in it is on the disk.
fn write(path: &Path, content: Content<'_>) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    create(folder)?;
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
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
