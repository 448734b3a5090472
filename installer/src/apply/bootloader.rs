//! What makes a disk start. It is written last: until then the disk says that it is not finished.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use disk_layout::{BiosBoot, hop};

use super::disk::put;
use super::{ApplyError, Target, mount};
use crate::plan::Place;

/// Where the `grub` package keeps its images.
const IMAGES: &str = "/usr/lib/grub/kaon";

/// Where the EFI system partition is mounted meanwhile.
const ESP: &str = "/run/kaon/esp";

fn image(target: &Target, name: &str) -> Result<Vec<u8>, ApplyError> {
    let path = target.place(&format!("{IMAGES}/{name}"))?;
    fs::read(&path).map_err(ApplyError::io("read", &path))
}

/// GRUB for UEFI, where firmware looks without being told (UEFI 2.10, 3.5.1.1).
pub(super) fn efi(partition: &Path, root: usize, target: &Target) -> Result<(), ApplyError> {
    let program = image(target, "bootx64.efi")?;
    let esp = Path::new(ESP);
    fs::create_dir_all(esp).map_err(ApplyError::io("make", esp))?;
    mount::mount(partition, esp, "vfat", &[])?;
    let folder = esp.join("EFI/BOOT");
    let written = fs::create_dir_all(&folder)
        .and_then(|()| replace(&folder.join("grub.cfg"), hop(root).as_bytes()))
        .and_then(|()| replace(&folder.join("BOOTX64.EFI"), &program));
    let result = written.map_err(ApplyError::io("write", &folder));
    mount::unmount(esp)?;
    result
}

/// FAT has no atomic rename over a file, but a name that appears only once its content is on the disk.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("new");
    fs::write(&fresh, content)?;
    File::open(&fresh)?.sync_all()?;
    fs::rename(&fresh, path)
}

/// GRUB for BIOSes: its core into its partition, then the first sector.
pub(super) fn bios(disk: &Path, place: &Place, root: usize, target: &Target) -> Result<(), ApplyError> {
    let boot = BiosBoot::new(&image(target, "hybrid.img")?, &image(target, "cdboot.img")?)?;
    let (first, core) = boot.at(place.offset_bytes, root);
    if core.len() as u64 > place.size_bytes {
        return Err(ApplyError::Io { operation: "write", path: disk.to_owned(), source: io::ErrorKind::StorageFull.into() });
    }
    let write = || -> io::Result<()> {
        let mut device = OpenOptions::new().write(true).open(disk)?;
        put(&mut device, place.offset_bytes, &core)?;
        device.sync_all()?;
        put(&mut device, 0, &first)?;
        device.sync_all()
    };
    write().map_err(ApplyError::io("write", disk))
}
