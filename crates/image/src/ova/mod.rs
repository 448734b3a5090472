//! OVAs: a whole virtual machine in one file (DMTF DSP0243, "Open Virtualization Format" 1.1), for ESXi, vCenter, Workstation and VirtualBox.
//!
//! ```text
//! kaon-minimal.ovf     the machine's hardware, and the properties asked when it is deployed
//! kaon-minimal.mf      SHA-256 of the other two
//! kaon-minimal.vmdk    its disk, streamOptimized
//! ```

mod archive;
mod ovf;
#[cfg(test)]
mod shape;

use std::path::Path;

pub use ovf::{Descriptor, PROPERTIES, Property, ovf};

use base::digest::Digest;
use base::file_error::FileError;

/// Increment when a change here changes an OVA's bytes.
pub const CONTRACT: u32 = 1;

/// Writes the OVA of the machine `descriptor` with the disk in the file `vmdk`. The parts are called `name`.
///
/// # Errors
/// When a file cannot be read or written.
pub fn write(name: &str, descriptor: &Descriptor<'_>, vmdk: &Path, out: &Path) -> Result<(), FileError> {
    let read = |source| FileError::new("read", vmdk, source);
    let vmdk_bytes = std::fs::metadata(vmdk).map_err(read)?.len();
    let disk_name = format!("{name}.vmdk");
    let text = ovf(descriptor, &disk_name, vmdk_bytes);
    let manifest = manifest(&[(&format!("{name}.ovf"), Digest::of_bytes(&text)), (&disk_name, Digest::of_file(vmdk).map_err(read)?)]);
    let small = [(format!("{name}.ovf"), text), (format!("{name}.mf"), manifest)];
    archive::write(&small, (&disk_name, vmdk), out).map_err(FileError::of("write", out))
}

/// The manifest of these files (DSP0243, 5.1).
fn manifest(files: &[(&str, Digest)]) -> String {
    files.iter().map(|(name, digest)| format!("SHA256({name})= {digest}\n")).collect()
}
