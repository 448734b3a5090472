//! Disk formats: writers for a virtual disk, all deterministic and parallel.
//!
//! A writer reads the disk in pieces, compresses them on all processors and writes them in order, so the bytes depend on neither
//! the number of processors nor the time of day. Identities that other tools choose at random are derived from the disk's digest.

mod disk;
mod error;
mod gzip;
mod pieces;
mod qcow2;
mod raw;
mod vhd;
mod vmdk;

use std::path::Path;

use crate::description::DiskKind;

pub use disk::VirtualDisk;
pub use error::FormatError;
pub use gzip::gzip;
pub use qcow2::write_qcow2;
pub use raw::{write_gce, write_raw};
pub use vhd::{write_vhd_dynamic, write_vhd_fixed};
pub use vmdk::write_vmdk;

/// Writes a disk in one of the formats to a new file.
///
/// # Errors
/// When the file cannot be written, or the disk does not fit the format.
pub fn write(kind: DiskKind, disk: &VirtualDisk, path: &Path) -> Result<(), FormatError> {
    match kind {
        DiskKind::Raw => write_raw(disk, path),
        DiskKind::Qcow2 => write_qcow2(disk, path),
        DiskKind::Vmdk => write_vmdk(disk, path),
        DiskKind::DynamicVhd => write_vhd_dynamic(disk, path),
        DiskKind::FixedVhd => write_vhd_fixed(disk, path),
        DiskKind::GceArchive => write_gce(disk, path),
    }
}

/// Increment when a change here changes the bytes of any format.
pub const CONTRACT: u32 = 1;

#[cfg(test)]
mod tests;
