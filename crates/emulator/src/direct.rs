//! Starts an ISO's kernel without its boot loader, which saves the time of firmware and menu.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Boot, Disk, QemuError};
use base::file_error::FileError;
use image::iso::Reader;

/// Extracts an ISO's kernel into `folder`.
///
/// # Errors
/// When the ISO cannot be read, or contains none.
pub fn kernel_of(iso: &Path, folder: &Path) -> Result<PathBuf, QemuError> {
    extract(&Reader::open(iso)?, "boot/vmlinuz", folder)
}

/// The boot that starts an ISO's kernel directly. The root image is used in place within the ISO; `arguments` are added to the kernel's.
///
/// # Errors
/// When the ISO cannot be read, or was not written by Kaon.
pub fn direct(iso: &Path, folder: &Path, arguments: &str) -> Result<Boot, QemuError> {
    let reader = Reader::open(iso)?;
    let image = reader.find("live/root.img")?;
    Ok(Boot::Direct {
        kernel: extract(&reader, "boot/vmlinuz", folder)?,
        initramfs: Some(extract(&reader, "boot/initramfs", folder)?),
        arguments: format!("kaon.medium=/dev/vda console=ttyS0 quiet {arguments}").trim_end().to_owned(),
        root: Disk { part: Some((image.offset_bytes, image.size_bytes)), ..Disk::read_only(iso.to_owned()) },
    })
}

fn extract(reader: &Reader, name: &str, folder: &Path) -> Result<PathBuf, QemuError> {
    let bytes = reader.bytes(reader.find(name)?)?;
    let path = folder.join(name.rsplit('/').next().unwrap_or(name));
    fs::write(&path, bytes).map_err(|source| QemuError::Io(FileError::new("write", &path, source)))?;
    Ok(path)
}
