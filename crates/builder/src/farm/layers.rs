//! Layers of the SDK as files, which are packed when a worker first needs them.

use std::fs;
use std::path::Path;

use base::digest::Digest;
use base::file_error::FileError;
use runtime::remote::Blob;
use runtime::store::Store;
use serde::{Deserialize, Serialize};
use worker::layer::pack;

use super::FarmError;

/// A layer's file, recorded as a result.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Packed {
    file: Digest,
    size_bytes: u64,
}

/// The file of the layer with this key, whose tree is at `tree`: an object of the store. `waiting` is called if another process packs it.
pub(super) fn packed(store: &Store, key: &Digest, tree: &Path, processors: usize, waiting: impl FnOnce()) -> Result<Blob, FarmError> {
    let record = Digest::of_bytes(format!("layer file 1 of {key}"));
    let known = || -> Result<Option<Blob>, FarmError> {
        let packed = store.result::<Packed>(&record)?.filter(|packed| store.object(&packed.file).is_some());
        Ok(packed.map(|Packed { file, size_bytes }| Blob { sha256: file, size_bytes }))
    };
    if let Some(blob) = known()? {
        return Ok(blob);
    }
    let _lock = store.lock(&format!("layer-{key}"), waiting)?;
    if let Some(blob) = known()? {
        return Ok(blob);
    }
    let mut writer = store.writer()?;
    pack(tree, &mut writer, processors)?;
    let file = writer.publish()?;
    let size_bytes = size(store, &file)?;
    store.put_result(&record, &Packed { file, size_bytes })?;
    Ok(Blob { sha256: file, size_bytes })
}

/// The size of an object.
pub(super) fn size(store: &Store, object: &Digest) -> Result<u64, FarmError> {
    let path = store.object(object).ok_or(runtime::store::StoreError::Missing { digest: *object })?;
    Ok(fs::metadata(&path).map_err(FileError::of("read", &path))?.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_is_packed_once_and_again_when_its_file_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        let tree = folder.path().join("tree");
        fs::create_dir(&tree).unwrap();
        fs::write(tree.join("file"), "content").unwrap();
        let key = Digest::of_bytes("key");
        let pack = || packed(&store, &key, &tree, 1, || ()).unwrap();
        let first = pack();
        assert_eq!(size(&store, &first.sha256).unwrap(), first.size_bytes);
        fs::write(tree.join("file"), "changed").unwrap();
        assert_eq!(pack(), first, "the key says that it is the same");
        fs::remove_file(store.object(&first.sha256).unwrap()).unwrap();
        assert_ne!(pack(), first);
    }
}
