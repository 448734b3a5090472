//! Files without a name, in memory: what one process hands to another needs no directory for temporary files.

use std::fs::File;
use std::io;

use nix::sys::memfd::{MFdFlags, memfd_create};

/// An empty file in memory that vanishes with its last descriptor. `label` shows up in `/proc/PID/fd` only.
///
/// # Errors
/// When the process may not open further files.
pub fn file(label: &str) -> io::Result<File> {
    Ok(File::from(memfd_create(label, MFdFlags::MFD_CLOEXEC)?))
}
