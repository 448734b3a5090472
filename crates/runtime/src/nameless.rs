//! Files in memory without a name, to pass data to another process without a directory for temporary files.

use std::fs::File;
use std::io;

use nix::sys::memfd::{MFdFlags, memfd_create};

/// An empty file in memory that vanishes with its last descriptor. `label` is visible only in `/proc/PID/fd`.
///
/// # Errors
/// When the process cannot open more files.
pub fn file(label: &str) -> io::Result<File> {
    Ok(File::from(memfd_create(label, MFdFlags::MFD_CLOEXEC)?))
}
