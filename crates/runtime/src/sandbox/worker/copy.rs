//! Stacks trees by copying, for hosts where overlays cannot be mounted.

use std::fs::{self, File, FileTimes, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use nix::errno::Errno;

/// The permission bits that a copy keeps: without set-id bits, because other users of the machine could run such programs.
const KEPT_MODE: u32 = 0o1777;

/// Copies the file or tree `from` over what is at `to`, with the result of an overlay: directories are merged, everything else is replaced.
/// Symbolic links in them are not followed. File systems with reflinks share the blocks.
pub(super) fn lay(from: &Path, to: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(from)?;
    let there = match fs::symlink_metadata(to) {
        Ok(there) => Some(there.is_dir()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    match there {
        Some(true) if !metadata.is_dir() => fs::remove_dir_all(to)?,
        Some(false) => fs::remove_file(to)?,
        Some(true) | None => {}
    }
    if metadata.is_symlink() {
        return symlink(fs::read_link(from)?, to);
    }
    if metadata.is_dir() {
        if there != Some(true) {
            fs::create_dir(to)?;
        }
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            lay(&entry.path(), &to.join(entry.file_name()))?;
        }
    } else if metadata.is_file() {
        fs::copy(from, to)?;
    } else {
        return Err(Errno::EINVAL.into());
    }
    File::open(to)?.set_times(FileTimes::new().set_modified(metadata.modified()?))?;
    fs::set_permissions(to, Permissions::from_mode(metadata.permissions().mode() & KEPT_MODE))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            match text.strip_prefix("-> ") {
                Some(target) => symlink(target, path).unwrap(),
                None => fs::write(path, text).unwrap(),
            }
        }
        (folder, root)
    }

    #[test]
    fn directories_are_merged_and_all_else_is_replaced() {
        let (_below, below) = tree(&[("a/x", "low"), ("a/y", "low"), ("b/x", "low"), ("c", "low"), ("d", "-> a"), ("e/x", "low")]);
        let (_above, above) = tree(&[("a/x", "high"), ("b", "high"), ("c/x", "high"), ("d/x", "high"), ("e", "-> a")]);
        fs::set_permissions(above.join("a/x"), Permissions::from_mode(0o4750)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("to");
        lay(&below, &to).unwrap();
        lay(&above, &to).unwrap();
        let text = |path: &str| fs::read_to_string(to.join(path)).unwrap();
        assert_eq!([text("a/x"), text("a/y"), text("b"), text("c/x"), text("d/x")], ["high", "low", "high", "high", "high"]);
        assert_eq!(fs::read_link(to.join("e")).unwrap(), Path::new("a"));
        assert_eq!(fs::metadata(to.join("a/x")).unwrap().permissions().mode() & 0o7777, 0o750);
        assert_eq!(fs::metadata(to.join("a/y")).unwrap().modified().unwrap(), fs::metadata(below.join("a/y")).unwrap().modified().unwrap());
    }

    #[test]
    fn a_copy_is_not_the_file_itself() {
        let (_folder, from) = tree(&[("x", "as it was")]);
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("to");
        lay(&from, &to).unwrap();
        fs::write(to.join("x"), "changed").unwrap();
        assert_eq!(fs::read_to_string(from.join("x")).unwrap(), "as it was");
    }
}
