//! Live media: one file that starts from a disc or a stick, on BIOS and UEFI machines.
//!
//! ```text
//! boot/vmlinuz, boot/initramfs   what GRUB loads
//! boot/grub/grub.cfg             the menu
//! live/root.img                  the root file system, SquashFS
//! live/root.sha256               its digest and size, which the initramfs contains as well
//! repo/                          what can be installed from it; `repo/tree` has links to what the root image leaves out
//! EFI/BOOT/grub.cfg              leads GRUB from a UEFI disc to the menu
//! ```
//! After the ISO 9660 file system is a FAT file system as the second partition: the EFI system partition of a stick and the UEFI boot image
//! of a disc.
//! boot image of a disc.

mod error;
mod extra;
mod menu;
mod net;
mod read;
mod tool;
mod uki;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

pub use error::IsoError;
pub use menu::kernel_arguments;
pub use read::{Extent, ReadError, Reader};

use crate::description::Iso;
use crate::initramfs::{self, IDENTITY_PATH, InitramfsRequest, RootIdentity};
use crate::tools::ImageTools;
use base::digest::Digest;
use base::epoch::SOURCE_DATE_EPOCH;
use rootfs::Rootfs;
use runtime::beneath::regular_file;
use runtime::cancel::Cancel;
use runtime::progress::Reporter;
use runtime::store::StoreError;
use tool::Tools;
use well_known::INSTALLER;

/// Increment when a change here changes a medium's bytes.
pub const CONTRACT: u32 = 7;

/// The inputs of a medium.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The image's name.
    pub name: &'a str,
    /// The image in one line.
    pub summary: &'a str,
    /// The medium's description.
    pub iso: &'a Iso,
    /// Its composed root, where the kernel and its modules are taken from.
    pub rootfs: &'a Rootfs,
    /// The same root as a tar archive, which records owners, modes and capabilities.
    pub rootfs_tar: &'a Path,
    /// The repository of what can be installed from the medium; its packages may be hollow if the root contains their files.
    pub repository: Option<&'a Path>,
    /// Unpacked packages that start a medium: `kaon-live`, `grub` and `systemd-boot`.
    pub live: &'a [PathBuf],
    /// The SDK's layers, lowest first, with the writers of file systems.
    pub tools: &'a [PathBuf],
    /// An existing directory for work in progress.
    pub scratch: &'a Path,
    /// The file that the tools' output is written to.
    pub log: PathBuf,
}

/// The output files of the requested formats.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outputs<'a> {
    /// The ISO.
    pub disc: Option<&'a Path>,
    /// The archive for network starts.
    pub net: Option<&'a Path>,
}

/// The parts of a medium, as files of the host.
struct Parts {
    vmlinuz: PathBuf,
    modules: PathBuf,
    init: PathBuf,
    bios_image: PathBuf,
    hybrid_mbr: PathBuf,
    efi_program: PathBuf,
    efi_stub: PathBuf,
}

/// Writes the live system in the requested formats. Equal inputs produce equal bytes.
///
/// # Errors
/// When a part is missing, a tool fails, or the disk is full.
pub fn write(request: &Request<'_>, out: &Outputs<'_>, reporter: &dyn Reporter, cancel: &Cancel) -> Result<(), IsoError> {
    let unit = format!("image {}", request.name);
    let parts = Parts::find(request)?;
    let folder = request.scratch.join("iso");
    let tools = Tools(ImageTools { layers: request.tools, folder, log: &request.log, cancel, reporter, unit: &unit });
    let build = tools.0.build();
    let medium = build.join("medium");
    let root_image = medium.join("live/root.img");
    make_parent(&root_image)?;
    tools.root_image(request.rootfs_tar, &kernel_files(request), &root_image)?;
    reporter.phase(&unit, "initramfs");
    let identity = identity(&root_image)?;
    let initramfs = initramfs::assemble(&InitramfsRequest { init: &parts.init, modules: &parts.modules, root_image: identity })?;
    lay(request, &parts, &identity, &initramfs, &build)?;
    let repository = request.repository.map(|_| medium.join("repo"));
    if let Some(out) = out.net {
        let release = request.rootfs.kernel_release.as_deref().unwrap_or_default();
        let system = regular_file(&request.rootfs.dir, "usr/lib/os-release");
        let system = system.map_err(|source| StoreError::io("read", &request.rootfs.on_disk("/usr/lib/os-release"), source))?;
        let held = net::Parts {
            vmlinuz: &parts.vmlinuz,
            initramfs: &initramfs,
            root_image: &root_image,
            repository: repository.as_deref(),
            efi_stub: &parts.efi_stub,
            system: &system,
            release,
            iso: request.iso,
        };
        net::write(&held, out)?;
    }
    if let Some(out) = out.disc {
        tools.medium(&request.iso.label, &volume_date(&identity.sha256), out)?;
    }
    Ok(())
}

impl Parts {
    fn find(request: &Request<'_>) -> Result<Self, IsoError> {
        let release = request.rootfs.kernel_release.as_deref().ok_or(IsoError::NoKernel)?;
        let modules = format!("usr/lib/modules/{release}");
        let vmlinuz = regular_file(&request.rootfs.dir, format!("{modules}/vmlinuz"));
        let vmlinuz = vmlinuz.map_err(|source| StoreError::io("read", &request.rootfs.on_disk(&format!("/{modules}/vmlinuz")), source))?;
        let part = |path: &'static str| {
            // A link there, which a package may contain, could lead out of its tree.
            let found = request.live.iter().find_map(|tree| regular_file(tree, path).ok());
            found.ok_or(IsoError::NoPart { path })
        };
        Ok(Self {
            vmlinuz,
            modules: request.rootfs.on_disk(&modules),
            init: part("usr/lib/kaon/live-init")?,
            bios_image: part("usr/lib/grub/kaon/cdboot.img")?,
            hybrid_mbr: part("usr/lib/grub/kaon/hybrid.img")?,
            efi_program: part("usr/lib/grub/kaon/bootx64.efi")?,
            efi_stub: part("usr/lib/systemd/boot/efi/linuxx64.efi.stub")?,
        })
    }
}

/// Files, relative to the root, that are on the medium anyway or useless on a live system. From a medium with a repository the kernel is
/// installed completely.
fn kernel_files(request: &Request<'_>) -> Vec<String> {
    let names: &[&str] = if request.iso.install.is_empty() { &["vmlinuz", "System.map"] } else { &["vmlinuz"] };
    names.iter().map(|name| kernel_file(request, name)).collect()
}

fn kernel_file(request: &Request<'_>, name: &str) -> String {
    format!("usr/lib/modules/{}/{name}", request.rootfs.kernel_release.as_deref().unwrap_or_default())
}

/// Puts everything but the root image where the tools expect it.
fn lay(request: &Request<'_>, parts: &Parts, identity: &RootIdentity, initramfs: &[u8], build: &Path) -> Result<(), IsoError> {
    let medium = build.join("medium");
    put(&medium.join("boot/initramfs"), initramfs)?;
    copy(&parts.vmlinuz, &medium.join("boot/vmlinuz"))?;
    copy(&parts.bios_image, &medium.join("boot/grub/cdboot.img"))?;
    put(&medium.join("boot/grub/grub.cfg"), menu(request).as_bytes())?;
    put(&medium.join(IDENTITY_PATH), identity.line().as_bytes())?;
    // Started by UEFI, GRUB sees the ISO 9660 file system on a disc, and the FAT file system on a stick.
    let hop = menu::hop(&uuid(&volume_date(&identity.sha256)));
    put(&medium.join("EFI/BOOT/grub.cfg"), hop.as_bytes())?;
    let efi = build.join("efi/EFI/BOOT");
    put(&efi.join("grub.cfg"), hop.as_bytes())?;
    copy(&parts.efi_program, &efi.join("BOOTX64.EFI"))?;
    copy(&parts.hybrid_mbr, &build.join("hybrid.img"))?;
    for file in &request.iso.files {
        extra::lay(&file.from, &medium.join(&file.at))?;
    }
    match request.repository {
        Some(repository) => lay_repository(request, repository, &medium),
        None => Ok(()),
    }
}

fn menu(request: &Request<'_>) -> String {
    let iso = request.iso;
    let installs = iso.live.iter().any(|package| package.as_str() == INSTALLER);
    menu::menu(request.summary, &kernel_arguments(&iso.label, &iso.arguments), iso.entry.as_ref(), installs)
}

/// Adds the repository, with a link to the kernel, which the root image leaves out.
fn lay_repository(request: &Request<'_>, repository: &Path, medium: &Path) -> Result<(), IsoError> {
    extra::lay(repository, &medium.join("repo"))?;
    let link = Path::new("repo/tree").join(kernel_file(request, "vmlinuz"));
    let up = "../".repeat(link.components().count() - 1);
    make_parent(&medium.join(&link))?;
    symlink(format!("{up}boot/vmlinuz"), medium.join(&link)).map_err(|source| StoreError::io("write", &link, source).into())
}

fn identity(root_image: &Path) -> Result<RootIdentity, IsoError> {
    let read = |source| StoreError::io("read", root_image, source);
    let size_bytes = fs::metadata(root_image).map_err(read)?.len();
    Ok(RootIdentity { sha256: Digest::of_file(root_image).map_err(read)?, size_bytes })
}

/// The volume's modification date (ECMA-119, 8.4.26.1), which GRUB uses as its identity: the day of [`SOURCE_DATE_EPOCH`], and a time of
/// day derived from the root image's digest, so that media of different builds differ.
fn volume_date(root_image: &Digest) -> String {
    const _: () = assert!(SOURCE_DATE_EPOCH == 1_767_225_600, "the day below is this one");
    let bytes = root_image.bytes();
    let part = |at: usize, below: u8| bytes[at] % below;
    format!("20260101{:02}{:02}{:02}{:02}", part(0, 24), part(1, 60), part(2, 60), part(3, 100))
}

/// How GRUB writes a [`volume_date`].
fn uuid(date: &str) -> String {
    let pairs: Vec<&str> = (4..date.len()).step_by(2).filter_map(|at| date.get(at..at + 2)).collect();
    format!("{}-{}", &date[..4], pairs.join("-"))
}

fn make_parent(path: &Path) -> Result<(), IsoError> {
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent).map_err(|source| StoreError::io("make", parent, source).into())
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), IsoError> {
    make_parent(path)?;
    fs::write(path, bytes).map_err(|source| StoreError::io("write", path, source).into())
}

fn copy(from: &Path, to: &Path) -> Result<(), IsoError> {
    make_parent(to)?;
    fs::copy(from, to).map(drop).map_err(|source| StoreError::io("copy", from, source).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_volume_date_depends_on_the_root() {
        let date = volume_date(&Digest::of_bytes("a"));
        assert_eq!(date.len(), 16);
        assert_ne!(date, volume_date(&Digest::of_bytes("b")));
        assert_eq!(uuid("2026010123595999"), "2026-01-01-23-59-59-99");
    }
}
