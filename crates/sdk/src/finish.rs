//! Does, with plain files, what builds need of Debian's maintainer scripts.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use nix::fcntl::AT_FDCWD;
use nix::sys::stat::{UtimensatFlags, utimensat};
use nix::sys::time::TimeSpec;
use walkdir::WalkDir;

use super::unpack::MERGED;
use super::{Layer, LayerName, SdkError};
use base::epoch::SOURCE_DATE_EPOCH;

/// Folders of every root file system, and `/build`, the work directory of the sandbox.
const SKELETON: [&str; 14] =
    ["build", "dev", "etc", "proc", "root", "run", "sys", "tmp", "usr/bin", "usr/lib", "usr/lib64", "usr/sbin", "var/tmp", "etc/ssl/certs"];

/// Completes an unpacked layer.
///
/// # Errors
/// When a file cannot be written or a link of the description has no target.
pub fn finish(root: &Path, name: &LayerName, layer: &Layer) -> Result<(), SdkError> {
    if layer.needs.is_empty() {
        skeleton(root).map_err(|source| SdkError::io("complete", root, source))?;
    }
    for (link, target) in &layer.links {
        make_link(root, name, link, target)?;
    }
    fs::set_permissions(root, Permissions::from_mode(0o755)).map_err(|source| SdkError::io("complete", root, source))?;
    settle_times(root).map_err(|source| SdkError::io("set times in", root, source))
}

fn skeleton(root: &Path) -> io::Result<()> {
    for folder in SKELETON {
        let path = root.join(folder);
        fs::create_dir_all(&path)?;
        fs::set_permissions(&path, Permissions::from_mode(0o755))?;
    }
    for top in MERGED {
        symlink(format!("usr/{top}"), root.join(top))?;
    }
    for folder in ["tmp", "var/tmp"] {
        fs::set_permissions(root.join(folder), Permissions::from_mode(0o1777))?;
    }
    for (from, to) in [
        ("usr/share/base-passwd/passwd.master", "etc/passwd"),
        ("usr/share/base-passwd/group.master", "etc/group"),
        ("usr/share/libc-bin/nsswitch.conf", "etc/nsswitch.conf"),
    ] {
        write(root, to, &fs::read(root.join(from))?)?;
    }
    write(root, "etc/hosts", b"127.0.0.1 localhost\n::1 localhost\n")?;
    write(root, "etc/resolv.conf", b"")?;
    write(root, "etc/ssl/certs/ca-certificates.crt", &certificates(root)?)?;
    symlink("../usr/share/zoneinfo/UTC", root.join("etc/localtime"))
}

/// Writes a file whose mode does not depend on the caller's umask.
fn write(root: &Path, path: &str, bytes: &[u8]) -> io::Result<()> {
    let path = root.join(path);
    fs::write(&path, bytes)?;
    fs::set_permissions(&path, Permissions::from_mode(0o644))
}

/// The bundle of all certificates that Debian trusts, as made by `update-ca-certificates`.
fn certificates(root: &Path) -> io::Result<Vec<u8>> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(root.join("usr/share/ca-certificates/mozilla"))?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    files.sort();
    let mut bundle = Vec::new();
    for file in files {
        bundle.extend(fs::read(file)?);
        bundle.push(b'\n');
    }
    Ok(bundle)
}

fn make_link(root: &Path, layer: &LayerName, link: &str, target: &str) -> Result<(), SdkError> {
    let path = root.join(link.trim_start_matches('/'));
    let folder = path.parent().unwrap_or(root);
    if !folder.join(target).exists() {
        return Err(SdkError::DanglingLink { layer: layer.clone(), link: link.into(), target: target.into() });
    }
    symlink(target, &path).map_err(|source| SdkError::io("make the link", &path, source))
}

/// Sets the same time on everything, since folders and links have the time of unpacking.
fn settle_times(root: &Path) -> io::Result<()> {
    let time = TimeSpec::new(SOURCE_DATE_EPOCH.into(), 0);
    for entry in WalkDir::new(root).contents_first(true) {
        utimensat(AT_FDCWD, entry?.path(), &time, &time, UtimensatFlags::NoFollowSymlink)?;
    }
    Ok(())
}
