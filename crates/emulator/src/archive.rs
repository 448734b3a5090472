//! Archives that machines are started from: whole virtual machines, and files of a network start.

use std::fs::File;
use std::io;
use std::path::Path;

use super::{Boot, Bus, Disk, DiskLayout, QemuError};
use base::file_error::FileError;

/// Extracts the disk of an OVA into `folder`, and attaches it to the bus of the OVA's machine.
///
/// # Errors
/// When the OVA cannot be read or contains no disk, or the disk cannot be written.
pub fn disk_of(ova: &Path, folder: &Path) -> Result<Disk, QemuError> {
    let unreadable = |source| QemuError::Io(FileError::new("read", ova, source));
    let mut archive = tar::Archive::new(File::open(ova).map_err(unreadable)?);
    for entry in archive.entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        if entry.path().map_err(unreadable)?.extension().is_none_or(|extension| extension != "vmdk") {
            continue;
        }
        let path = folder.join("disk.vmdk");
        copy(&mut entry, &path).map_err(|source| QemuError::Io(FileError::new("write", &path, source)))?;
        return Ok(Disk::scratch(path, DiskLayout::Vmdk, Bus::Pvscsi));
    }
    Err(unreadable(io::Error::new(io::ErrorKind::InvalidData, "it contains no disk")))
}

/// Unpacks the files of a network start into `folder`.
///
/// # Errors
/// When the archive cannot be read, or a file cannot be written.
pub fn network_start(archive: &Path, folder: &Path) -> Result<Boot, QemuError> {
    let unreadable = |source| QemuError::Io(FileError::new("unpack", archive, source));
    let file = File::open(archive).map_err(unreadable)?;
    let into = folder.join("tftp");
    tar::Archive::new(file).unpack(&into).map_err(unreadable)?;
    Ok(Boot::Network(into))
}

fn copy(from: &mut impl io::Read, to: &Path) -> io::Result<()> {
    let mut file = File::create(to)?;
    io::copy(from, &mut file).map(drop)
}
