//! Files that an image adds to those of its packages.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;

use rpm_engine::manifest::{Entry, Kind};

use super::{Rootfs, RootfsError};
use base::digest::Digest;
use base::epoch::SOURCE_DATE_EPOCH;

/// A file added to those of packages, owned by root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtraFile {
    /// Absolute path in the tree, not through symbolic links.
    pub path: String,
    /// Permission bits.
    pub mode: u16,
    /// Its content.
    pub content: Vec<u8>,
}

/// Adds files to the tree.
pub(super) fn lay(rootfs: &mut Rootfs, files: &[ExtraFile]) -> Result<(), RootfsError> {
    files.iter().try_for_each(|file| put(rootfs, &file.path, file.mode, &file.content))
}

/// Permits root to log in with SSH keys. sshd requires modes that do not let others write.
pub(super) fn authorize(rootfs: &mut Rootfs, keys: &[String]) -> Result<(), RootfsError> {
    if keys.is_empty() {
        return Ok(());
    }
    let text = keys.iter().fold(String::new(), |text, key| text + key.trim() + "\n");
    put(rootfs, "/root/.ssh/authorized_keys", 0o600, text.as_bytes())?;
    for folder in ["/root", "/root/.ssh"] {
        if let Some(entry) = rootfs.manifest.get_mut(folder) {
            entry.mode = 0o700;
        }
    }
    Ok(())
}

/// Writes one file, replacing a package's file, and creates its directories.
pub(super) fn put(rootfs: &mut Rootfs, path: &str, mode: u16, content: &[u8]) -> Result<(), RootfsError> {
    check(rootfs, path)?;
    for (at, _) in path.match_indices('/').skip(1) {
        if rootfs.manifest.get(&path[..at]).is_none() {
            rootfs.manifest.insert(&path[..at], Entry::directory(SOURCE_DATE_EPOCH));
        }
    }
    let target = rootfs.on_disk(path);
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent).map_err(RootfsError::io("make", parent))?;
    }
    // The old file is removed first, so that its other hard links keep their content and symbolic links are not followed.
    match fs::remove_file(&target) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(RootfsError::io("replace", &target)(error)),
        _ => {}
    }
    fs::write(&target, content).map_err(RootfsError::io("write", &target))?;
    let on_disk = if mode & 0o111 == 0 { 0o644 } else { 0o755 };
    fs::set_permissions(&target, fs::Permissions::from_mode(on_disk)).map_err(RootfsError::io("write", &target))?;
    let package = rootfs.manifest.remove(path).and_then(|entry| entry.package);
    let kind = Kind::File { size: content.len() as u64, sha256: Digest::of_bytes(content).hex() };
    rootfs.manifest.insert(path, Entry { package, ..Entry::root(kind, mode, SOURCE_DATE_EPOCH) });
    Ok(())
}

fn check(rootfs: &Rootfs, path: &str) -> Result<(), RootfsError> {
    let refused = |reason| RootfsError::ExtraFile { path: path.to_owned(), reason };
    let components: Vec<&str> = path.split('/').collect();
    if components.len() < 2 || !components[0].is_empty() || components[1..].iter().any(|part| matches!(*part, "" | "." | "..")) {
        return Err(refused("the path is not absolute and normalised"));
    }
    for (at, _) in path.match_indices('/').skip(1) {
        match rootfs.manifest.get(&path[..at]).map(|entry| &entry.kind) {
            None | Some(Kind::Directory) => {}
            Some(_) => return Err(refused("a directory on the way is a link or a file")),
        }
    }
    match rootfs.manifest.get(path).map(|entry| &entry.kind) {
        Some(Kind::Directory) => Err(refused("a directory is in its place")),
        _ => Ok(()),
    }
}
