//! Walks an install root and collects everything in it, at its path in the image.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::directory::{is_standard, is_volatile};
use super::error::PackageError;
use super::obstacle::Obstacle;
use super::tree::{Content, Entry, Kind, Tree};
use super::usrmerge::{destination, is_merged_directory, leads_to_itself, merged, moved_target};
use runtime::beneath::{FileKind, Handle};
use runtime::install_root::{InstallRoot, InstalledFile};

/// The attribute that contains a file's capabilities.
const CAPABILITY: &std::ffi::CStr = c"security.capability";

/// The attribute that contains a file's access control list.
const ACCESS_LIST: &std::ffi::CStr = c"system.posix_acl_access";

/// Walks the install root at `root`, which may be modified: what its owner cannot read is made readable after its mode was recorded.
///
/// # Errors
/// When something cannot be read, or two entries belong at the same path.
pub fn walk(root: &Path) -> Result<Tree, PackageError> {
    let root = Arc::new(InstallRoot::open(root)?);
    let mut walker = Walker { root, tree: Tree::default(), installed_as: BTreeMap::new(), linked_modes: BTreeMap::new() };
    // Directories are opened by full path, so that a deep tree needs neither many descriptors nor much stack.
    let mut left = vec![String::new()];
    while let Some(directory) = left.pop() {
        left.extend(walker.directory(&directory)?);
    }
    Ok(walker.tree)
}

struct Walker {
    root: Arc<InstallRoot>,
    tree: Tree,
    installed_as: BTreeMap<String, String>,
    /// Modes of files with several names, before they were made readable, by device and inode.
    linked_modes: BTreeMap<(u64, u64), u32>,
}

impl Walker {
    /// Adds the content of the directory `installed` (empty for the root), and returns the directories in it.
    fn directory(&mut self, installed: &str) -> Result<Vec<String>, PackageError> {
        let root = Arc::clone(&self.root);
        let fail = |path: &str| {
            let path = root.path_of(path);
            move |source| PackageError::io("read", &path, source)
        };
        let relative = installed.trim_start_matches('/');
        let directory = match relative {
            "" => None,
            path => Some(root.directory().open_directory(path).map_err(fail(installed))?),
        };
        let directory = directory.as_ref().unwrap_or(root.directory());
        let names = directory.names().map_err(fail(installed))?;
        if names.is_empty() && !installed.is_empty() {
            self.add_empty_directory(installed)?;
        }
        let mut directories = Vec::new();
        for name in names {
            let path = format!("{installed}/{}", name.to_string_lossy());
            if let Some(obstacle) = Obstacle::in_name(&name) {
                self.tree.put(merged(&path), Entry { kind: Kind::Unpackageable(obstacle), mode: 0 });
                continue;
            }
            let handle = directory.entry(&name).map_err(fail(&path))?;
            match handle.kind() {
                FileKind::Directory => {
                    self.note_directory(&path, &handle)?;
                    directories.push(path);
                }
                FileKind::Link => self.link(&path, &handle)?,
                FileKind::Regular => self.file(&path, &handle)?,
                other => self.add(merged(&path), &path, Entry { kind: Kind::Unpackageable(Obstacle::Kind(other)), mode: 0 })?,
            }
        }
        // The caller pops from the end.
        directories.reverse();
        Ok(directories)
    }

    /// Records a directory's mode, and makes it readable.
    fn note_directory(&mut self, installed: &str, handle: &Handle) -> Result<(), PackageError> {
        make_accessible(handle, 0o700, || self.root.path_of(installed))?;
        if is_merged_directory(installed) {
            return Ok(());
        }
        let path = merged(installed);
        let mode = packaged_mode(handle.mode());
        let differs = self.tree.directory_mode(&path).is_some_and(|other| other != mode && !is_standard(&path));
        let first = self.installed_as.insert(path.clone(), installed.to_owned());
        if differs || self.tree.get(&path).is_some_and(|other| other.kind != Kind::Directory) {
            let first = first.unwrap_or_else(|| path.clone());
            return Err(PackageError::Collision { path, first, second: installed.to_owned() });
        }
        self.tree.note_directory(path, mode);
        Ok(())
    }

    /// Adds an empty directory as an entry, unless every system has it or it is volatile.
    fn add_empty_directory(&mut self, installed: &str) -> Result<(), PackageError> {
        let path = merged(installed);
        if is_merged_directory(&path) || is_standard(&path) || is_volatile(&path) {
            return Ok(());
        }
        let mode = self.tree.directory_mode(&path).unwrap_or(0o755);
        self.add(path, installed, Entry { kind: Kind::Directory, mode })
    }

    fn link(&mut self, installed: &str, handle: &Handle) -> Result<(), PackageError> {
        let link = handle.read_link().map_err(|source| PackageError::io("read", &self.root.path_of(installed), source))?;
        let target = merged(installed);
        let mode = handle.mode();
        let obstacle = match link.to_str() {
            None => Obstacle::TargetNotText,
            Some(text) if text.contains(char::is_control) => Obstacle::ControlInTarget,
            Some(text) if leads_to_itself(installed, text) => Obstacle::LinkToItself,
            Some(text) => {
                let link = moved_target(text, installed, &target);
                // `/usr/sbin/x -> ../bin/x` would point to itself after the directories are merged.
                if destination(&target, &link) == target && !is_merged_directory(&target) {
                    return Ok(());
                }
                return self.add(target, installed, Entry { kind: Kind::Link(link), mode });
            }
        };
        self.add(target, installed, Entry { kind: Kind::Unpackageable(obstacle), mode })
    }

    fn file(&mut self, installed: &str, handle: &Handle) -> Result<(), PackageError> {
        let stat = handle.stat();
        let hard_link = (stat.st_nlink > 1).then_some((stat.st_dev, stat.st_ino));
        let mode = hard_link.map_or(handle.mode(), |inode| *self.linked_modes.entry(inode).or_insert(handle.mode()));
        let path = || self.root.path_of(installed);
        make_accessible(handle, 0o400, path)?;
        let capabilities = handle.attribute(CAPABILITY).map_err(|source| PackageError::io("read", &path(), source))?;
        // With an access control list, the group bits of the mode are the list's mask, not the permissions of the file's group (acl(5)).
        let list = handle.attribute(ACCESS_LIST).map_err(|source| PackageError::io("read", &path(), source))?;
        if list.is_some() {
            return self.add(merged(installed), installed, Entry { kind: Kind::Unpackageable(Obstacle::AccessList), mode: 0 });
        }
        let content = Content::Installed(InstalledFile::new(&self.root, installed, hard_link, capabilities));
        self.add(merged(installed), installed, Entry { kind: Kind::File(content), mode })
    }

    fn add(&mut self, path: String, installed: &str, entry: Entry) -> Result<(), PackageError> {
        let is_other = |other: &Entry| other.kind != entry.kind;
        let hides_directory = entry.kind != Kind::Directory && self.tree.directory_mode(&path).is_some();
        if let Some(first) = self.installed_as.insert(path.clone(), installed.to_owned())
            && (hides_directory || self.tree.get(&path).is_some_and(is_other))
        {
            return Err(PackageError::Collision { path, first, second: installed.to_owned() });
        }
        self.tree.put(path, entry);
        Ok(())
    }
}

/// The mode of a directory in a package: write permission of group and others is removed, as for files, except with the sticky bit, which
/// marks directories that everybody may write to.
fn packaged_mode(mode: u32) -> u32 {
    if mode & 0o1000 == 0 { mode & 0o7755 } else { mode }
}

/// Gives the owner the permission bits `needed` if missing: builds leave programs of mode 4111 and closed directories, which only root
/// could read.
fn make_accessible(handle: &Handle, needed: u32, path: impl FnOnce() -> std::path::PathBuf) -> Result<(), PackageError> {
    if handle.mode() & needed == needed {
        return Ok(());
    }
    handle.set_mode((handle.mode() | needed) & 0o777).map_err(|source| PackageError::io("open up", &path(), source))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn merges_and_keeps_modes() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        for directory in ["sbin", "usr/sbin", "usr/bin", "usr/lib/empty", "usr/lib64", "run/x", "var/lib"] {
            fs::create_dir_all(at(directory)).unwrap();
        }
        fs::write(at("sbin/a"), "a").unwrap();
        fs::set_permissions(at("sbin/a"), Permissions::from_mode(0o4111)).unwrap();
        symlink("../bin/b", at("usr/sbin/b")).unwrap();
        fs::write(at("usr/bin/b"), "b").unwrap();
        symlink("../usr/lib/x", at("sbin/c")).unwrap();
        symlink("d", at("usr/bin/d")).unwrap();
        symlink("/usr/bin/../bin/e", at("usr/bin/e")).unwrap();
        let tree = walk(root.path()).unwrap();
        let paths: Vec<_> = tree.iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["/usr/bin/a", "/usr/bin/b", "/usr/bin/c", "/usr/bin/d", "/usr/bin/e", "/usr/lib/empty"]);
        for path in ["/usr/bin/d", "/usr/bin/e"] {
            assert_eq!(tree.get(path).unwrap().kind, Kind::Unpackageable(Obstacle::LinkToItself));
        }
        assert_eq!(tree.get("/usr/bin/a").unwrap().mode, 0o4111);
        assert!(matches!(&tree.get("/usr/bin/a").unwrap().kind, Kind::File(content) if content.read(9).unwrap() == b"a"));
        assert_eq!(tree.get("/usr/bin/c").unwrap().kind, Kind::Link("../lib/x".into()));
        assert!(matches!(tree.get("/usr/bin/b").unwrap().kind, Kind::File(_)));
    }

    #[test]
    fn two_files_at_one_path_are_refused() {
        for (first, second) in [("bin/x", "usr/bin/x"), ("bin/x/y", "usr/bin/x"), ("bin/x", "usr/bin/x/y")] {
            let root = tempfile::tempdir().unwrap();
            for path in [first, second] {
                let path = root.path().join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(&path, path.to_string_lossy().as_bytes()).unwrap();
            }
            let error = walk(root.path()).unwrap_err();
            let PackageError::Collision { path, first, second } = error else { panic!("{error}") };
            assert_eq!((&*path, &*first, &*second), ("/usr/bin/x", "/bin/x", "/usr/bin/x"));
        }
    }

    #[test]
    fn modes_of_directories_are_noted_as_they_were() {
        let root = tempfile::tempdir().unwrap();
        let modes = [("a", 0o700), ("b", 0o1777), ("c", 0o2755), ("d", 0o777), ("e", 0o775), ("f", 0o000), ("g", 0o555)];
        for (name, mode) in modes {
            let path = root.path().join("usr/share").join(name);
            fs::create_dir_all(path.join("inner")).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        }
        let tree = walk(root.path()).unwrap();
        let noted: Vec<_> = modes.iter().map(|(name, _)| tree.directory_mode(&format!("/usr/share/{name}")).unwrap()).collect();
        assert_eq!(noted, [0o700, 0o1777, 0o2755, 0o755, 0o755, 0o000, 0o555]);
        assert_eq!(tree.iter().count(), modes.len());
    }

    #[test]
    fn every_name_of_a_file_keeps_its_mode() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("usr/bin")).unwrap();
        fs::write(root.path().join("usr/bin/a"), "a").unwrap();
        fs::hard_link(root.path().join("usr/bin/a"), root.path().join("usr/bin/b")).unwrap();
        fs::set_permissions(root.path().join("usr/bin/a"), Permissions::from_mode(0o4111)).unwrap();
        let tree = walk(root.path()).unwrap();
        assert_eq!(tree.iter().map(|(_, entry)| entry.mode).collect::<Vec<_>>(), [0o4111, 0o4111]);
    }
}
