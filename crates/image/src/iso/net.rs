//! The live system started over the network: a kernel, an initramfs that contains the root image, a script for iPXE, and all of it as one
//! program for UEFI firmware, which cannot run scripts. A second script also loads the repository, and installs.

use std::path::Path;
use std::{fs, io};

use walkdir::WalkDir;

use super::{IsoError, uki};
use crate::description::Iso;
use crate::initramfs::Archive;
use crate::oci::TarArchive;
use runtime::store::StoreError;

/// The inputs of a network start.
pub(super) struct Parts<'a> {
    pub vmlinuz: &'a Path,
    /// The initramfs of a medium.
    pub initramfs: &'a [u8],
    pub root_image: &'a Path,
    /// The repository of packages to install, as [`super::lay_repository`] writes it.
    pub repository: Option<&'a Path>,
    /// The stub that turns a kernel into a UEFI program.
    pub efi_stub: &'a Path,
    /// The root's os-release, and its kernel's release: the program's name in boot menus.
    pub system: &'a Path,
    pub release: &'a str,
    pub iso: &'a Iso,
}

/// The directory in the initramfs for the files of a medium.
const CARRIED: &str = "medium";

/// Writes the archive: `boot.ipxe`, `initrd`, `kaon.efi`, `vmlinuz`; with a repository also `install.ipxe` and `repository`.
pub(super) fn write(parts: &Parts<'_>, out: &Path) -> Result<(), IsoError> {
    let read = |path: &Path| fs::read(path).map_err(|source| StoreError::io("read", path, source));
    let mut initrd = parts.initramfs.to_vec();
    // The kernel unpacks one archive after the other; each begins at a multiple of 4.
    initrd.resize(initrd.len().next_multiple_of(4), 0);
    let mut held = Archive::new();
    held.file("live/root.img", 0o644, read(parts.root_image)?);
    initrd.extend(held.finish());
    let vmlinuz = read(parts.vmlinuz)?;
    let own = &parts.iso.arguments;
    let (system, line) = (read(parts.system)?, arguments(own));
    let sections: [uki::Section<'_>; 5] = [
        (".osrel", &system),
        (".cmdline", line.as_bytes()),
        (".uname", parts.release.as_bytes()),
        (".linux", &vmlinuz),
        (".initrd", &initrd),
    ];
    let program = uki::assemble(&read(parts.efi_stub)?, &sections)?;
    let mut archive = TarArchive::create(out)?;
    archive.bytes("boot.ipxe", script(own).as_bytes())?;
    archive.bytes("initrd", &initrd)?;
    if parts.repository.is_some() {
        archive.bytes("install.ipxe", installing(own).as_bytes())?;
    }
    archive.bytes("kaon.efi", &program)?;
    if let Some(repository) = parts.repository {
        archive.bytes("repository", &carried(repository)?)?;
    }
    archive.bytes("vmlinuz", &vmlinuz)?;
    Ok(archive.finish()?)
}

/// The kernel's command line.
fn arguments(own: &[String]) -> String {
    let words = ["console=tty0", "console=ttyS0,115200", "quiet"].into_iter().chain(own.iter().map(String::as_str));
    words.collect::<Vec<_>>().join(" ")
}

/// The script for iPXE. Relative names are resolved against the script's address.
fn script(own: &[String]) -> String {
    // UEFI kernels find an initrd by the name on their command line.
    format!("#!ipxe\nkernel vmlinuz initrd=initrd {}\ninitrd initrd\nboot\n", arguments(own))
}

/// The script for iPXE that installs: from the kickstart file named by its setting `ks`, or interactively.
fn installing(own: &[String]) -> String {
    format!(
        "#!ipxe\nisset ${{ks}} && set how ks=${{ks}} || set how kaon.install\n\
         kernel vmlinuz initrd=initrd initrd=repository {} ${{how}}\ninitrd initrd\ninitrd repository\nboot\n",
        arguments(own)
    )
}

/// The files below `repository` as an archive for the kernel, to be loaded after the initrd.
fn carried(repository: &Path) -> Result<Vec<u8>, IsoError> {
    let mut archive = Archive::new();
    for entry in WalkDir::new(repository).min_depth(1).sort_by_file_name() {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(repository).to_owned();
            StoreError::io("read", &path, error.into_io_error().unwrap_or_else(|| io::ErrorKind::Other.into()))
        })?;
        // Links of the repository point to files, whose content is stored.
        if !entry.file_type().is_dir() {
            let bytes = fs::read(entry.path()).map_err(|source| StoreError::io("read", entry.path(), source))?;
            let name = entry.path().strip_prefix(repository).unwrap_or(entry.path());
            archive.file(&format!("{CARRIED}/repo/{}", name.display()), 0o644, bytes);
        }
    }
    Ok(archive.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_for_ipxe() {
        let text = script(&["kaon.hostname=net".into()]);
        assert_eq!(
            text,
            "#!ipxe\nkernel vmlinuz initrd=initrd console=tty0 console=ttyS0,115200 quiet kaon.hostname=net\ninitrd initrd\nboot\n"
        );
        assert_eq!(
            installing(&[]),
            "#!ipxe\nisset ${ks} && set how ks=${ks} || set how kaon.install\n\
             kernel vmlinuz initrd=initrd initrd=repository console=tty0 console=ttyS0,115200 quiet ${how}\n\
             initrd initrd\ninitrd repository\nboot\n"
        );
    }
}
