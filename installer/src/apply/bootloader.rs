//! What makes a disk start. It is written last: until then the disk says that it is not finished.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use disk_layout::{BOOT_CODE_BYTES, BiosBoot, hop};

use super::table::Sink as _;
use super::{ApplyError, Target, mount, table};
use crate::plan::Place;

/// Where the `grub` package keeps its images.
const IMAGES: &str = "/usr/lib/grub/kaon";

/// Where the EFI system partition is mounted meanwhile.
const ESP: &str = "/run/kaon/esp";

/// Where firmware looks for a program without being told (UEFI 2.10, 3.5.1.1).
const FOLDER: &str = "EFI/BOOT";
const PROGRAM: &str = "BOOTX64.EFI";
const MENU: &str = "grub.cfg";

fn image(target: &Target, name: &str) -> Result<Vec<u8>, ApplyError> {
    let path = target.place(&format!("{IMAGES}/{name}"))?;
    fs::read(&path).map_err(ApplyError::io("read", &path))
}

/// GRUB for UEFI. The program comes last: without it firmware finds nothing to start.
pub(super) fn efi(partition: &Path, root: usize, target: &Target) -> Result<(), ApplyError> {
    let program = image(target, "bootx64.efi")?;
    let esp = Path::new(ESP);
    fs::create_dir_all(esp).map_err(ApplyError::io("make", esp))?;
    mount::mount(partition, esp, "vfat", &[])?;
    let folder = esp.join(FOLDER);
    let written = fs::create_dir_all(&folder)
        .and_then(|()| replace(&folder.join(MENU), hop(root).as_bytes()))
        .and_then(|()| replace(&folder.join(PROGRAM), &program));
    let result = written.map_err(ApplyError::io("write", &folder));
    mount::unmount(esp)?;
    result
}

/// GRUB for UEFI, laid out in a directory as on its partition.
pub(super) fn lay_out_efi(at: &Path, root: usize, target: &Target) -> Result<(), ApplyError> {
    let folder = at.join(FOLDER);
    let program = image(target, "bootx64.efi")?;
    let written = fs::create_dir_all(&folder)
        .and_then(|()| fs::write(folder.join(MENU), hop(root)))
        .and_then(|()| fs::write(folder.join(PROGRAM), program));
    written.map_err(ApplyError::io("write", &folder))
}

/// FAT has no atomic rename over a file, but a name that appears only once its content is on the disk.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("new");
    fs::write(&fresh, content)?;
    File::open(&fresh)?.sync_all()?;
    fs::rename(&fresh, path)
}

/// GRUB for BIOSes, ready to be written.
pub(super) struct Bios {
    first: [u8; BOOT_CODE_BYTES],
    core: Vec<u8>,
    core_offset_bytes: u64,
}

/// GRUB for a BIOS boot partition, which leads to the menu on the partition `root`.
pub(super) fn bios(place: &Place, root: usize, target: &Target) -> Result<Bios, ApplyError> {
    let boot = BiosBoot::new(&image(target, "hybrid.img")?, &image(target, "cdboot.img")?)?;
    let (first, core) = boot.at(place.offset_bytes, root);
    if core.len() as u64 > place.size_bytes {
        return Err(ApplyError::Io { operation: "write", path: place.device().into(), source: io::ErrorKind::StorageFull.into() });
    }
    Ok(Bios { first, core, core_offset_bytes: place.offset_bytes })
}

impl Bios {
    /// Writes the core, and only when it is on the disk the first sector that leads to it.
    pub fn write(&self, disk: &Path) -> Result<(), ApplyError> {
        let mut device = table::open(disk)?;
        let written = device
            .put(self.core_offset_bytes, &self.core)
            .and_then(|()| device.settle())
            .and_then(|()| device.put(0, &self.first))
            .and_then(|()| device.settle());
        written.map_err(ApplyError::io("write", disk))
    }
}
