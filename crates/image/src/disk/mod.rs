//! Disks that start with BIOS and UEFI, from a composed root file system, without a loop device or privileges.
//!
//! ```text
//! first sector   GRUB's boot code, and the protective partition table
//! 1 bios         GRUB's core for BIOSes, which reads the root file system
//! 2 esp          FAT32: GRUB's program for UEFI, and the file that leads it to the root file system's menu
//! 3 root         ext4; systemd-repart and systemd-growfs let it fill the disk when it first starts (package `kaon-disk`)
//! ```
//!
//! The kernel has the drivers it needs built in, so there is no initramfs. GRUB passes the identity of the root partition to the kernel.

mod error;
mod filesystem;

use std::fs;
use std::path::{Path, PathBuf};

use disk_layout::{BIOS_BYTES, BiosBoot, ESP_BYTES, Guid, Layout, Purpose, Size, Wish, plan, size_for};

pub use error::DiskError;

use crate::disk_format::VirtualDisk;
use crate::tools::ImageTools;
use base::digest::Digest;
use rootfs::Rootfs;
use runtime::beneath::regular_file;
use runtime::cancel::Cancel;
use runtime::progress::Reporter;

/// Increment when a change here changes a disk's bytes.
pub const CONTRACT: u32 = 1;

/// The root's partition, from 1.
const ROOT_NUMBER: usize = 3;

/// The inputs of a disk.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The composed root.
    pub rootfs: &'a Rootfs,
    /// The same root as a tar archive, which records owners, modes and capabilities.
    pub rootfs_tar: &'a Path,
    /// Unpacked packages, including `grub`.
    pub packages: &'a [PathBuf],
    /// Identifies the root's content; the identities of disk, partitions and file systems are derived from it.
    pub identity: Digest,
    /// The SDK's layers, lowest first, with the writers of file systems.
    pub tools: &'a [PathBuf],
    /// An existing directory for work in progress, where the parts of the disk are left.
    pub scratch: &'a Path,
    /// The file that the tools' output is written to.
    pub log: PathBuf,
    /// The unit of work that phases belong to.
    pub unit: &'a str,
}

/// The parts of a disk, from which disks of any size are assembled.
#[derive(Clone, Debug)]
pub struct Parts {
    identity: Digest,
    esp: PathBuf,
    root: PathBuf,
    root_bytes: u64,
    boot: BiosBoot,
}

/// Makes the parts of a disk. Equal inputs produce equal bytes.
///
/// # Errors
/// When the root contains no kernel, a part of GRUB is missing, a tool fails, or the file system is full.
pub fn make(request: &Request<'_>, reporter: &dyn Reporter, cancel: &Cancel) -> Result<Parts, DiskError> {
    if request.rootfs.kernel_release.is_none() {
        return Err(DiskError::NoKernel);
    }
    let grub = |name: &'static str| {
        let path = format!("usr/lib/grub/kaon/{name}");
        let found = request.packages.iter().find_map(|tree| regular_file(tree, &path).ok());
        found.ok_or(DiskError::NoGrub { name })
    };
    let boot = BiosBoot::new(&read(&grub("hybrid.img")?)?, &read(&grub("cdboot.img")?)?)?;
    let folder = request.scratch.join("disk");
    let tools = ImageTools { layers: request.tools, folder, log: &request.log, cancel, reporter, unit: request.unit };
    let (esp, root) = (request.scratch.join("esp.img"), request.scratch.join("root.img"));
    filesystem::esp(&tools, &grub("bootx64.efi")?, &request.identity, &esp)?;
    let root_bytes = filesystem::root_bytes(&request.rootfs.manifest);
    filesystem::root(&tools, request.rootfs_tar, guid(&request.identity, "root file system"), root_bytes, &root)?;
    Ok(Parts { identity: request.identity, esp, root, root_bytes, boot })
}

impl Parts {
    /// The smallest disk that contains the parts, in bytes: a whole number of MiB.
    pub fn least_bytes(&self) -> u64 {
        size_for([BIOS_BYTES, ESP_BYTES, self.root_bytes])
    }

    /// A disk of `size_bytes`, or of the smallest possible size. Its root partition takes the rest.
    ///
    /// # Errors
    /// When it is too small, or a part cannot be read.
    pub fn disk(&self, size_bytes: Option<u64>) -> Result<VirtualDisk, DiskError> {
        let layout = self.layout(size_bytes.unwrap_or_else(|| self.least_bytes()))?;
        let mut disk = VirtualDisk::new(layout.disk_bytes, self.identity);
        let at = |purpose| layout.find(purpose).map_or(0, |partition| partition.offset_bytes);
        let (mbr, core) = self.boot.at(at(Purpose::BiosBoot), layout.find(Purpose::Root).map_or(0, |root| root.number));
        let tables = layout.tables(&mbr);
        disk.put(0, tables.start)?;
        disk.put(at(Purpose::BiosBoot), core)?;
        disk.put_file(at(Purpose::Esp), &self.esp)?;
        disk.put_file(at(Purpose::Root), &self.root)?;
        disk.put(tables.end_offset_bytes, tables.end)?;
        Ok(disk)
    }

    fn layout(&self, size_bytes: u64) -> Result<Layout, DiskError> {
        let wish = |purpose, size, label: &str| {
            let guid = guid(&self.identity, label);
            Wish { purpose, size, label: label.into(), guid }
        };
        let wishes = [
            wish(Purpose::BiosBoot, Size::Bytes(BIOS_BYTES), "bios"),
            wish(Purpose::Esp, Size::Bytes(ESP_BYTES), "esp"),
            wish(Purpose::Root, Size::Rest { at_least_bytes: self.root_bytes }, "root"),
        ];
        Ok(plan(size_bytes, guid(&self.identity, "disk"), &wishes)?)
    }
}

/// The identity of a part of the disk with this identity.
fn guid(identity: &Digest, part: &str) -> Guid {
    let digest = Digest::of_json(&("guid", identity, part));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.bytes()[..16]);
    Guid::from_digest(bytes)
}

fn read(path: &Path) -> Result<Vec<u8>, DiskError> {
    fs::read(path).map_err(|source| runtime::store::StoreError::io("read", path, source).into())
}
