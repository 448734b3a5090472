//! Files handed to the user.

use std::fs::{self, File, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::Path;

use crate::digest::Digest;
use crate::store::{Store, StoreError};

/// Puts an object, read back before, where it was wanted, whole or not at all: as another name of the store's file where that is possible, else as a copy. Who may
/// write to it (`is_writable`) always gets a copy, so that the store's file stays what it is.
///
/// # Errors
/// When the object is lost, or nothing can be written there.
pub fn place(store: &Store, object: &Digest, path: &Path, is_writable: bool) -> Result<(), StoreError> {
    let object = store.object(object).ok_or(StoreError::Missing { digest: *object })?;
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|source| StoreError::io("make", folder, source))?;
    let scratch =
        tempfile::Builder::new().prefix(".kaon-").tempdir_in(folder).map_err(|source| StoreError::io("write in", folder, source))?;
    let waiting = scratch.path().join("file");
    if is_writable || fs::hard_link(&object, &waiting).is_err() {
        copy_sparse(&object, &waiting).map_err(|source| StoreError::io("write", &waiting, source))?;
    }
    fs::rename(&waiting, path).map_err(|source| StoreError::io("write", path, source))
}

/// Writes a document, whole or not at all.
///
/// # Errors
/// When nothing can be written there.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || {
        fs::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new().prefix(".kaon-").permissions(Permissions::from_mode(0o644)).tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.persist(path).map(drop).map_err(|error| error.error)
    };
    write().map_err(|source| StoreError::io("write", path, source))
}

/// Copies a file and leaves out what is all zeros, so that a disk takes no more room than what is on it.
fn copy_sparse(from: &Path, to: &Path) -> io::Result<()> {
    let mut input = File::open(from)?;
    let out = File::create(to)?;
    out.set_len(input.metadata()?.len())?;
    let mut buffer = vec![0; 64 << 10];
    let mut at = 0;
    loop {
        let read = input.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        if buffer[..read].iter().any(|byte| *byte != 0) {
            out.write_all_at(&buffer[..read], at)?;
        }
        at += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn who_writes_gets_a_copy() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        let mut bytes = vec![0; 1 << 20];
        bytes.extend(b"end");
        let object = store.put_bytes(&bytes).unwrap();
        let (link, copy) = (folder.path().join("out/link"), folder.path().join("out/copy"));
        place(&store, &object, &link, false).unwrap();
        place(&store, &object, &copy, true).unwrap();
        assert_eq!(fs::read(&copy).unwrap(), bytes);
        assert_eq!(fs::metadata(&link).unwrap().nlink(), 2);
        assert_eq!(fs::metadata(&copy).unwrap().nlink(), 1);
    }
}
