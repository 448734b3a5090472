//! The live system started over the network: a kernel, an initramfs that holds the root image, and a script for iPXE.

use std::fs;
use std::path::Path;

use super::IsoError;
use crate::image::Iso;
use crate::initramfs::Archive;
use crate::oci::TarArchive;
use crate::store::StoreError;

/// What a network start is made of.
pub(super) struct Parts<'a> {
    pub vmlinuz: &'a Path,
    /// The initramfs of a medium.
    pub initramfs: &'a [u8],
    pub root_image: &'a Path,
    pub iso: &'a Iso,
}

/// Writes the archive: `vmlinuz`, `initrd`, `boot.ipxe`.
pub(super) fn write(parts: &Parts<'_>, out: &Path) -> Result<(), IsoError> {
    let root_image = fs::read(parts.root_image).map_err(|source| StoreError::io("read", parts.root_image, source))?;
    let mut initrd = parts.initramfs.to_vec();
    // The kernel unpacks one archive after the other; each begins at a multiple of 4.
    initrd.resize(initrd.len().next_multiple_of(4), 0);
    let mut held = Archive::new();
    held.file("live/root.img", 0o644, root_image);
    initrd.extend(held.finish());
    let vmlinuz = fs::read(parts.vmlinuz).map_err(|source| StoreError::io("read", parts.vmlinuz, source))?;
    let mut archive = TarArchive::create(out)?;
    archive.bytes("boot.ipxe", script(&parts.iso.arguments).as_bytes())?;
    archive.bytes("initrd", &initrd)?;
    archive.bytes("vmlinuz", &vmlinuz)?;
    Ok(archive.finish()?)
}

/// What iPXE does. Names without a place are looked for where the script came from.
fn script(own: &[String]) -> String {
    // UEFI kernels find an initrd by its name on their command line.
    let words = ["initrd=initrd", "console=tty0", "console=ttyS0,115200", "quiet"].into_iter().chain(own.iter().map(String::as_str));
    format!("#!ipxe\nkernel vmlinuz {}\ninitrd initrd\nboot\n", words.collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_whole() {
        let text = script(&["kaon.hostname=net".into()]);
        assert_eq!(
            text,
            "#!ipxe\nkernel vmlinuz initrd=initrd console=tty0 console=ttyS0,115200 quiet kaon.hostname=net\ninitrd initrd\nboot\n"
        );
    }
}
