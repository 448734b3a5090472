//! Updates the manifest with changes on disk.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use rpm_engine::manifest::{Entry, Kind};
use walkdir::WalkDir;

use super::{Rootfs, RootfsError};
use base::digest::Digest;
use base::epoch::SOURCE_DATE_EPOCH;
use base::file_error::FileError;

/// Adds what the steps in the tree created (owned by root, modes 0755 and 0644), updates what they changed, and removes what they removed.
/// Installed files have the time of their package, so only files with another time need to be read.
pub(super) fn absorb(rootfs: &mut Rootfs) -> Result<(), RootfsError> {
    let mut found = BTreeSet::new();
    for item in WalkDir::new(&rootfs.dir).min_depth(1).follow_links(false).sort_by_file_name() {
        let item = item.map_err(|error| {
            let path = error.path().unwrap_or(&rootfs.dir).to_owned();
            RootfsError::Io(FileError::new("read", path, error.into()))
        })?;
        let below = item.path().strip_prefix(&rootfs.dir).unwrap_or(item.path());
        let path = format!("/{}", below.to_str().ok_or_else(|| RootfsError::Special { path: below.display().to_string() })?);
        let disk = item.metadata().map_err(|error| RootfsError::Io(FileError::new("read", item.path(), error.into())))?;
        let kind = kind(rootfs.manifest.get(&path), &path, item.path(), &disk)?;
        if let Some(kind) = kind {
            let executable = disk.permissions().mode() & 0o100 != 0;
            update(rootfs, &path, kind, executable);
        }
        found.insert(path);
    }
    let gone: Vec<String> = rootfs.manifest.iter().map(|(path, _)| path.to_owned()).filter(|path| !found.contains(path)).collect();
    for path in gone {
        rootfs.manifest.remove(&path);
    }
    Ok(())
}

/// The kind of what is on disk, if it differs from the manifest.
fn kind(known: Option<&Entry>, path: &str, on_disk: &Path, disk: &fs::Metadata) -> Result<Option<Kind>, RootfsError> {
    let known_kind = known.map(|entry| &entry.kind);
    let kind = if disk.is_dir() {
        Kind::Directory
    } else if disk.is_symlink() {
        let target = fs::read_link(on_disk).map_err(RootfsError::io("read", on_disk))?;
        Kind::Symlink { target: target.to_str().ok_or_else(|| RootfsError::Special { path: path.to_owned() })?.to_owned() }
    } else if disk.is_file() {
        let untouched = match known {
            Some(Entry { kind: Kind::File { size, .. }, mtime, .. }) => *size == disk.len() && i64::from(*mtime) == disk.mtime(),
            Some(Entry { kind: Kind::Hardlink { .. }, .. }) => disk.nlink() > 1,
            _ => false,
        };
        if untouched {
            return Ok(None);
        }
        let digest = Digest::of_file(on_disk).map_err(RootfsError::io("read", on_disk))?;
        Kind::File { size: disk.len(), sha256: digest.hex() }
    } else {
        return Err(RootfsError::Special { path: path.to_owned() });
    };
    Ok((known_kind != Some(&kind)).then_some(kind))
}

/// A changed file keeps its owner and mode; anything new, or of another kind than before, belongs to root.
fn update(rootfs: &mut Rootfs, path: &str, kind: Kind, executable: bool) {
    let entry = match (rootfs.manifest.get(path), &kind) {
        (Some(known @ Entry { kind: Kind::File { .. } | Kind::Hardlink { .. }, .. }), Kind::File { .. }) => {
            Entry { kind, mtime: SOURCE_DATE_EPOCH, caps: None, ..known.clone() }
        }
        _ => {
            let mode = match kind {
                Kind::Directory => 0o755,
                Kind::Symlink { .. } => 0o777,
                Kind::File { .. } | Kind::Hardlink { .. } => {
                    if executable {
                        0o755
                    } else {
                        0o644
                    }
                }
            };
            Entry::root(kind, mode, SOURCE_DATE_EPOCH)
        }
    };
    rootfs.manifest.insert(path, entry);
}
