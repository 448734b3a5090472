//! Facts about a tree when it was published, to detect damage.

use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use serde::{Deserialize, Serialize};
use walkdir::{DirEntry, WalkDir};

use base::digest::{Digest, Hasher};

/// Names, kinds, modes and sizes of everything in a tree. Content is not read: a tree has tens of thousands of files, and is checked in
/// every run that builds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Facts {
    /// Files, links and directories.
    entries: u64,
    /// Bytes in files.
    bytes: u64,
    /// Digest of everything that is compared.
    sha256: Digest,
}

impl Facts {
    /// Reads the tree at `root`.
    pub(super) fn of(root: &Path) -> io::Result<Self> {
        let (mut entries, mut bytes, mut hasher) = (0, 0, Hasher::new());
        let mut walk = WalkDir::new(root).min_depth(1).sort_by_file_name().into_iter();
        while let Some(entry) = walk.next() {
            let entry = entry?;
            let meta = entry.metadata()?;
            // The content of a directory that is closed to its owner is left out, also for root, so that the result does not depend on the
            // user.
            if meta.is_dir() && meta.mode() & 0o500 != 0o500 {
                walk.skip_current_dir();
            }
            let size = if meta.is_file() { meta.len() } else { 0 };
            entries += 1;
            bytes += size;
            add(&mut hasher, root, &entry, meta.permissions().mode(), size)?;
        }
        Ok(Self { entries, bytes, sha256: hasher.finish() })
    }
}

/// Every part ends with a byte that it cannot contain, so that no two trees produce the same bytes.
fn add(hasher: &mut Hasher, root: &Path, entry: &DirEntry, mode: u32, size: u64) -> io::Result<()> {
    let path = entry.path().strip_prefix(root).unwrap_or(entry.path());
    hasher.update(path.as_os_str().as_encoded_bytes());
    // The permission bits of a link have no meaning; its kind is in the remaining bits.
    let mode = if entry.path_is_symlink() { mode & !0o7777 } else { mode };
    hasher.update(format!("\0{mode:o} {size} "));
    if entry.path_is_symlink() {
        hasher.update(std::fs::read_link(entry.path())?.as_os_str().as_encoded_bytes());
    }
    hasher.update([0]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::symlink;

    use super::*;

    type Damage<'a> = &'a dyn Fn(&Path);

    fn tree(root: &Path) {
        fs::create_dir_all(root.join("usr/bin")).unwrap();
        fs::create_dir_all(root.join("closed/within")).unwrap();
        fs::write(root.join("usr/bin/find"), "program").unwrap();
        fs::set_permissions(root.join("usr/bin/find"), Permissions::from_mode(0o755)).unwrap();
        symlink("usr/bin", root.join("bin")).unwrap();
        fs::set_permissions(root.join("closed"), Permissions::from_mode(0o000)).unwrap();
    }

    #[test]
    fn every_kind_of_damage_shows() {
        let folder = tempfile::tempdir().unwrap();
        let whole = folder.path().join("whole");
        tree(&whole);
        let expected = Facts::of(&whole).unwrap();
        assert_eq!((expected.entries, expected.bytes), (5, 7));
        let damages: [(&str, Damage<'_>); 6] = [
            ("nothing", &|_| {}),
            ("a file is gone", &|root| fs::remove_file(root.join("usr/bin/find")).unwrap()),
            ("a file is cut", &|root| fs::write(root.join("usr/bin/find"), "pro").unwrap()),
            ("a file is new", &|root| fs::write(root.join("usr/bin/more"), "").unwrap()),
            ("a mode is another", &|root| fs::set_permissions(root.join("usr/bin/find"), Permissions::from_mode(0o644)).unwrap()),
            ("a link leads elsewhere", &|root| {
                fs::remove_file(root.join("bin")).unwrap();
                symlink("usr/sbin", root.join("bin")).unwrap();
            }),
        ];
        for (number, (what, damage)) in damages.into_iter().enumerate() {
            let root = folder.path().join(number.to_string());
            tree(&root);
            damage(&root);
            assert_eq!(Facts::of(&root).unwrap() == expected, number == 0, "{what}");
        }
        for entry in fs::read_dir(folder.path()).unwrap() {
            fs::set_permissions(entry.unwrap().path().join("closed"), Permissions::from_mode(0o700)).unwrap();
        }
    }
}
