//! A layer of the SDK as one file: a tar archive, compressed with Zstandard.
//!
//! The file depends only on what the tree contains: the order is that of the paths, and neither users nor the times of unpacking are in it, so
//! that all machines send the same file.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use base::digest::Digest;
use base::epoch::SOURCE_DATE_EPOCH;
use base::file_error::FileError;
use runtime::store::{Store, StoreError};
use tar::{Archive, Builder, EntryType, Header, HeaderMode};
use walkdir::WalkDir;

use crate::damaged::Damaged;

/// Zstandard's default, which packs a layer in seconds.
const LEVEL: i32 = 3;

/// Why a layer cannot be packed or unpacked.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file is not the one that was asked for.
    #[error(transparent)]
    Damaged(#[from] Damaged),
}

/// Writes the tree at `root` as a layer's file.
///
/// # Errors
/// When something in the tree cannot be read, or the file cannot be written.
pub fn pack(root: &Path, into: impl Write, processors: usize) -> Result<(), LayerError> {
    let failed = |source| FileError::new("pack", root, source);
    let mut encoder = zstd::Encoder::new(into, LEVEL).map_err(failed)?;
    // Without threads the bytes are others; with any number of them they are the same.
    encoder.multithread(u32::try_from(processors.max(1)).unwrap_or(1)).map_err(failed)?;
    let mut archive = Builder::new(encoder);
    for entry in WalkDir::new(root).min_depth(1).sort_by_file_name() {
        let entry = entry.map_err(|error| failed(error.into()))?;
        append(&mut archive, root, entry.path()).map_err(FileError::of("pack", entry.path()))?;
    }
    archive.into_inner().and_then(zstd::Encoder::finish).map_err(failed)?;
    Ok(())
}

fn append(archive: &mut Builder<impl Write>, root: &Path, path: &Path) -> io::Result<()> {
    let name = path.strip_prefix(root).unwrap_or(path);
    let metadata = fs::symlink_metadata(path)?;
    let mut header = Header::new_gnu();
    header.set_metadata_in_mode(&metadata, HeaderMode::Complete);
    header.set_mode(metadata.permissions().mode() & 0o7777);
    header.set_uid(0);
    header.set_gid(0);
    // The time of everything in a layer where it is used at once.
    header.set_mtime(SOURCE_DATE_EPOCH.into());
    if metadata.is_symlink() {
        header.set_entry_type(EntryType::Symlink);
        header.set_size(0);
        return archive.append_link(&mut header, name, fs::read_link(path)?);
    }
    if metadata.is_file() {
        return archive.append_data(&mut header, name, File::open(path)?);
    }
    header.set_size(0);
    archive.append_data(&mut header, name, io::empty())
}

/// The key of the tree of the layer in the file with this digest.
fn tree_key(blob: &Digest) -> Digest {
    Digest::of_bytes(format!("tree 1 of layer file {blob}"))
}

/// The tree of a layer in the worker's store, unpacked from `file` if it is not there; none if there is no such file either.
///
/// # Errors
/// When the file is damaged or cannot be unpacked.
pub fn tree(store: &Store, blob: &Digest, file: &Path) -> Result<Option<PathBuf>, LayerError> {
    let key = tree_key(blob);
    if let Some(tree) = store.existing_tree(&key) {
        return Ok(Some(tree));
    }
    if !file.is_file() {
        return Ok(None);
    }
    store.tree(&key, || (), |into| unpack(file, blob, into)).map(Some)
}

fn unpack(file: &Path, blob: &Digest, into: &Path) -> Result<(), LayerError> {
    let failed = FileError::of("unpack", file);
    let found = Digest::of_file(file).map_err(&failed)?;
    if found != *blob {
        return Err(Damaged { path: file.to_owned(), found }.into());
    }
    let unpacked = || -> io::Result<()> {
        let mut archive = Archive::new(zstd::Decoder::new(File::open(file)?)?);
        archive.set_preserve_permissions(true);
        archive.set_preserve_mtime(true);
        archive.unpack(into)
    };
    Ok(unpacked().map_err(failed)?)
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{MetadataExt as _, symlink};

    use super::*;

    fn tree_at(root: &Path) {
        fs::create_dir_all(root.join("usr/bin")).unwrap();
        fs::write(root.join("usr/bin/tool"), "#!").unwrap();
        fs::set_permissions(root.join("usr/bin/tool"), Permissions::from_mode(0o755)).unwrap();
        symlink("usr/bin", root.join("bin")).unwrap();
        fs::create_dir(root.join("shut")).unwrap();
        let long = "n".repeat(120);
        fs::write(root.join("shut").join(&long), "x").unwrap();
        symlink(&long, root.join("shut/link")).unwrap();
        fs::set_permissions(root.join("shut"), Permissions::from_mode(0o555)).unwrap();
    }

    #[test]
    fn what_is_packed_is_unpacked_and_always_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = ["first", "second"].map(|name| folder.path().join(name));
        let mut packed = [Vec::new(), Vec::new()];
        for (root, into) in [&first, &second].into_iter().zip(&mut packed) {
            fs::create_dir(root).unwrap();
            tree_at(root);
            pack(root, into, 2).unwrap();
        }
        assert_eq!(packed[0], packed[1]);
        let store = Store::open(&folder.path().join("store")).unwrap();
        let (blob, file) = (Digest::of_bytes(&packed[0]), folder.path().join("layer"));
        assert_eq!(tree(&store, &blob, &file).unwrap(), None, "neither here nor sent");
        fs::write(&file, "other").unwrap();
        assert!(matches!(tree(&store, &blob, &file), Err(LayerError::Damaged(_))));
        fs::write(&file, &packed[0]).unwrap();
        let unpacked = tree(&store, &blob, &file).unwrap().unwrap();
        let mode = |path: &str| fs::metadata(unpacked.join(path)).unwrap().permissions().mode() & 0o7777;
        assert_eq!([mode("usr/bin/tool"), mode("shut")], [0o755, 0o555]);
        assert_eq!(fs::read_link(unpacked.join("bin")).unwrap(), Path::new("usr/bin"));
        assert_eq!(fs::read_to_string(unpacked.join("shut/link")).unwrap(), "x");
        assert_eq!(fs::metadata(unpacked.join("usr/bin/tool")).unwrap().mtime(), i64::from(SOURCE_DATE_EPOCH));
        fs::remove_file(&file).unwrap();
        assert_eq!(tree(&store, &blob, &file).unwrap(), Some(unpacked.clone()), "the file is needed only once");
        for root in [&first, &second, &unpacked] {
            fs::set_permissions(root.join("shut"), Permissions::from_mode(0o755)).unwrap();
        }
    }

    #[test]
    fn neither_times_nor_processors_are_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        // More than threads compress as one part.
        let text: Vec<u8> = (0..12 << 20_u32).map(|at: u32| (at.wrapping_mul(2_654_435_761) >> 28) as u8).collect();
        let packed = |name: &str, modified_s: u64, processors: usize| {
            let root = folder.path().join(name);
            fs::create_dir(&root).unwrap();
            fs::write(root.join("large"), &text).unwrap();
            let modified = std::time::UNIX_EPOCH + std::time::Duration::from_secs(modified_s);
            for path in [root.join("large"), root.clone()] {
                File::open(path).unwrap().set_modified(modified).unwrap();
            }
            let mut file = Vec::new();
            pack(&root, &mut file, processors).unwrap();
            Digest::of_bytes(&file)
        };
        let first = packed("first", 1_000_000, 1);
        for (name, modified_s, processors) in [("second", 2_000_000_000, 1), ("third", 0, 4), ("fourth", 1_000_000, 0)] {
            assert_eq!(packed(name, modified_s, processors), first, "{name}");
        }
    }
}
