//! What a build installed: the install root, walked once, its paths brought to where they belong.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::error::PackageError;
use super::usrmerge::{destination, is_merged_directory, merged, moved_target};
use crate::glob::Glob;

/// Files, links and declared directories by their path in the image. Directories that only hold them are not entries.
#[derive(Debug, Default)]
pub struct Tree {
    entries: BTreeMap<String, Entry>,
}

/// One thing at one path.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Permission bits, setuid and the like included; of no meaning for links.
    pub mode: u32,
}

/// What lies at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File(Content),
    /// A directory the spec declares.
    Directory,
    /// A symbolic link and its target.
    Link(String),
    /// A file that the package owns but does not bring.
    Ghost,
}

/// Where a file's bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// In this file of the host.
    Disk(PathBuf),
    /// Here.
    Memory(Vec<u8>),
}

impl Content {
    /// All of it, up to `limit_bytes`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(&self, limit_bytes: u64) -> Result<Vec<u8>, PackageError> {
        match self {
            Self::Memory(bytes) => Ok(bytes[..bytes.len().min(usize::try_from(limit_bytes).unwrap_or(usize::MAX))].to_vec()),
            Self::Disk(path) => {
                use std::io::Read as _;
                let mut bytes = Vec::new();
                let read = fs::File::open(path).and_then(|file| file.take(limit_bytes).read_to_end(&mut bytes));
                read.map_err(|source| PackageError::io("read", path, source))?;
                Ok(bytes)
            }
        }
    }
}

impl Tree {
    /// Walks an install root, which is ours to change: what its owner cannot read is made readable, after its mode was noted.
    ///
    /// # Errors
    /// When something cannot be read, cannot be packaged, or two things belong at one path.
    pub fn walk(root: &Path) -> Result<Self, PackageError> {
        let mut walker = Walker { tree: Self::default(), installed_as: BTreeMap::new() };
        walker.directory(root, "")?;
        Ok(walker.tree)
    }

    /// Puts something at a path, in place of what may be there.
    pub fn put(&mut self, path: impl Into<String>, entry: Entry) {
        self.entries.insert(path.into(), entry);
    }

    /// Leaves out what `globs` match.
    pub fn drop(&mut self, globs: &[Glob]) {
        self.entries.retain(|path, _| !globs.iter().any(|glob| glob.matches(path)));
    }

    /// What lies at `path`.
    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.entries.get(path)
    }

    /// Everything, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    /// Everything, sorted by path, open to change.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Entry)> {
        self.entries.iter_mut().map(|(path, entry)| (path.as_str(), entry))
    }
}

struct Walker {
    tree: Tree,
    installed_as: BTreeMap<String, String>,
}

impl Walker {
    /// `installed` is the directory's path in the install root, empty for the root itself.
    fn directory(&mut self, directory: &Path, installed: &str) -> Result<(), PackageError> {
        make_accessible(directory, 0o700)?;
        let fail = |source| PackageError::io("read", directory, source);
        let mut names = Vec::new();
        for entry in fs::read_dir(directory).map_err(fail)? {
            names.push(entry.map_err(fail)?.file_name());
        }
        names.sort();
        for name in names {
            let path = directory.join(&name);
            let Some(name) = name.to_str().filter(|name| !name.contains(char::is_control)) else {
                return Err(PackageError::Unpackageable { path, reason: "its name is not UTF-8 text" });
            };
            self.entry(&path, &format!("{installed}/{name}"))?;
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, installed: &str) -> Result<(), PackageError> {
        let metadata = fs::symlink_metadata(path).map_err(|source| PackageError::io("read", path, source))?;
        let kind = metadata.file_type();
        if kind.is_dir() {
            return self.directory(path, installed);
        }
        let target = merged(installed);
        let mode = metadata.mode() & 0o7777;
        if kind.is_symlink() {
            let link = fs::read_link(path).map_err(|source| PackageError::io("read", path, source))?;
            let Some(link) = link.to_str() else {
                return Err(PackageError::Unpackageable { path: path.to_owned(), reason: "its target is not UTF-8 text" });
            };
            let link = moved_target(link, installed, &target);
            // `/usr/sbin/x -> ../bin/x` has nothing to lead to once the two directories are one.
            if destination(&target, &link) == target && !is_merged_directory(&target) {
                return Ok(());
            }
            return self.add(target, installed, Entry { kind: Kind::Link(link), mode });
        }
        if !kind.is_file() {
            let reason = if kind.is_fifo() || kind.is_socket() { "it is a pipe or socket" } else { "it is a device" };
            return Err(PackageError::Unpackageable { path: path.to_owned(), reason });
        }
        make_accessible(path, 0o400)?;
        let content = Content::Disk(path.to_owned());
        self.add(target, installed, Entry { kind: Kind::File(content), mode })
    }

    fn add(&mut self, path: String, installed: &str, entry: Entry) -> Result<(), PackageError> {
        if let Some(first) = self.installed_as.insert(path.clone(), installed.to_owned())
            && self.tree.get(&path).is_some_and(|other| other.kind != entry.kind)
        {
            return Err(PackageError::Collision { path, first, second: installed.to_owned() });
        }
        self.tree.put(path, entry);
        Ok(())
    }
}

/// Gives the owner the permission bits `needed`, where they lack: builds leave programs of mode 4111 and closed directories, which
/// only root could read.
fn make_accessible(path: &Path, needed: u32) -> Result<(), PackageError> {
    let fail = |source| PackageError::io("open up", path, source);
    let mode = fs::symlink_metadata(path).map_err(fail)?.mode() & 0o7777;
    if mode & needed == needed {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode((mode | needed) & 0o777)).map_err(fail)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn merges_keeps_modes_and_forgets_plain_directories() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        for directory in ["sbin", "usr/sbin", "usr/bin", "usr/lib/empty"] {
            fs::create_dir_all(at(directory)).unwrap();
        }
        fs::write(at("sbin/a"), "a").unwrap();
        fs::set_permissions(at("sbin/a"), Permissions::from_mode(0o4111)).unwrap();
        symlink("../bin/b", at("usr/sbin/b")).unwrap();
        fs::write(at("usr/bin/b"), "b").unwrap();
        symlink("../usr/lib/x", at("sbin/c")).unwrap();
        let tree = Tree::walk(root.path()).unwrap();
        let paths: Vec<_> = tree.iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["/usr/bin/a", "/usr/bin/b", "/usr/bin/c"]);
        assert_eq!(tree.get("/usr/bin/a").unwrap().mode, 0o4111);
        assert_eq!(
            tree.get("/usr/bin/a").map(|entry| &entry.kind).map(|kind| matches!(kind, Kind::File(c) if c.read(9).unwrap() == b"a")),
            Some(true)
        );
        assert_eq!(tree.get("/usr/bin/c").unwrap().kind, Kind::Link("../lib/x".into()));
        assert!(matches!(tree.get("/usr/bin/b").unwrap().kind, Kind::File(_)));
    }

    #[test]
    fn two_files_at_one_path_are_refused() {
        let root = tempfile::tempdir().unwrap();
        for path in ["bin", "usr/bin"] {
            fs::create_dir_all(root.path().join(path)).unwrap();
            fs::write(root.path().join(path).join("x"), path).unwrap();
        }
        let error = Tree::walk(root.path()).unwrap_err();
        assert!(
            matches!(error, PackageError::Collision { path, first, second } if (&*path, &*first, &*second) == ("/usr/bin/x", "/bin/x", "/usr/bin/x"))
        );
    }
}
