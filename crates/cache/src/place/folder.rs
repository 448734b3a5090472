//! A folder of this machine.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::{Content, Place, PlaceError, by_digest};
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

impl Place for Folder {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, PlaceError> {
        let path = self.0.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
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

    fn shown(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

/// The file has its name only when everything in it is on the disk.
fn write(path: &Path, content: Content<'_>) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    if !folder.is_dir() {
        fs::create_dir_all(folder)?;
        fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    }
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
