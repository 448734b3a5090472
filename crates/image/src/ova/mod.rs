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

use std::io;
use std::path::{Path, PathBuf};

pub use ovf::{Descriptor, PROPERTIES, Property, ovf};

use base::diagnostic::Failure;
use base::digest::Digest;

/// Increment when a change here changes an OVA's bytes.
pub const CONTRACT: u32 = 1;

/// Why an OVA could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} `{}`", path.display())]
pub struct OvaError {
    operation: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl Failure for OvaError {}

/// Writes the OVA of the machine `descriptor` with the disk in the file `vmdk`. `name` is the base name of its parts.
///
/// # Errors
/// When a file cannot be read or written.
pub fn write(name: &str, descriptor: &Descriptor<'_>, vmdk: &Path, out: &Path) -> Result<(), OvaError> {
    let read = |source| OvaError { operation: "read", path: vmdk.to_owned(), source };
    let vmdk_bytes = std::fs::metadata(vmdk).map_err(read)?.len();
    let disk_name = format!("{name}.vmdk");
    let text = ovf(descriptor, &disk_name, vmdk_bytes);
    let manifest = manifest(&[(&format!("{name}.ovf"), Digest::of_bytes(&text)), (&disk_name, Digest::of_file(vmdk).map_err(read)?)]);
    let small = [(format!("{name}.ovf"), text), (format!("{name}.mf"), manifest)];
    archive::write(&small, (&disk_name, vmdk), out).map_err(|source| OvaError { operation: "write", path: out.to_owned(), source })
}

/// The manifest of these files (DSP0243, 5.1).
fn manifest(files: &[(&str, Digest)]) -> String {
    files.iter().map(|(name, digest)| format!("SHA256({name})= {digest}\n")).collect()
}
