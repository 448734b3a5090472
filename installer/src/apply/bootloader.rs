//! What makes a disk start. It is written last: until then the disk says that it is not finished.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use disk_layout::{BOOT_CODE_BYTES, BiosBoot, hop};

use super::{ApplyError, Target, mount};
use crate::plan::Place;

/// Where the `grub` package keeps its images.
const IMAGES: &str = "/usr/lib/grub/kaon";

/// Where the EFI system partition is mounted meanwhile.
const ESP: &str = "/run/kaon/esp";

/// Where firmware looks for a program by default (UEFI 2.10, 3.5.1.1).
const FOLDER: &str = "EFI/BOOT";
const TOP: &str = "EFI";
const PROGRAM: &str = "BOOTX64.EFI";
const MENU: &str = "grub.cfg";

/// GRUB, as the installed system has it: read before that is unmounted.
#[derive(Debug)]
pub(super) struct Grub {
    bios: BiosBoot,
    efi: Vec<u8>,
}

impl Grub {
    /// Reads GRUB's images.
    pub fn read(target: &Target) -> Result<Self, ApplyError> {
        let image = |name: &str| {
            let path = target.place(&format!("{IMAGES}/{name}"))?;
            fs::read(&path).map_err(ApplyError::io("read", &path))
        };
        Ok(Self { bios: BiosBoot::new(&image("hybrid.img")?, &image("cdboot.img")?)?, efi: image("bootx64.efi")? })
    }

    /// What a BIOS runs of it, which leads to the menu on the partition `root`: the first sector's code, and what goes onto `place`.
    pub fn bios(&self, place: &Place, root: usize) -> Result<([u8; BOOT_CODE_BYTES], Vec<u8>), ApplyError> {
        let (first, core) = self.bios.at(place.offset_bytes, root);
        if core.len() as u64 > place.size_bytes {
            return Err(ApplyError::io("write", Path::new(&place.device()))(io::ErrorKind::StorageFull.into()));
        }
        Ok((first, core))
    }

    /// Puts it onto an EFI system partition. The program comes last: without it firmware finds nothing to start.
    pub fn install_efi(&self, partition: &Path, root: usize) -> Result<(), ApplyError> {
        let esp = Path::new(ESP);
        fs::create_dir_all(esp).map_err(ApplyError::io("make", esp))?;
        mount::mount(partition, esp, "vfat", &[])?;
        let result = self.put(esp, root).map_err(ApplyError::io("write", esp));
        mount::unmount(esp)?;
        result
    }

    /// FAT has no journal, but a name is one sector, and is written once all else is on the disk. A new name leads nowhere for a moment: that of
    /// a directory, rather than that of a program, which then would be empty.
    fn put(&self, esp: &Path, root: usize) -> io::Result<()> {
        let folder = esp.join(FOLDER);
        let Some(missing) = [TOP, FOLDER].into_iter().map(|name| esp.join(name)).find(|path| !path.exists()) else {
            return replace(&folder.join(MENU), hop(root).as_bytes()).and_then(|()| replace(&folder.join(PROGRAM), &self.efi));
        };
        let fresh = missing.with_extension("new");
        let inner = folder.strip_prefix(&missing).map_or_else(|_| fresh.clone(), |rest| fresh.join(rest));
        fs::create_dir_all(&inner)?;
        fs::write(inner.join(MENU), hop(root))?;
        fs::write(inner.join(PROGRAM), &self.efi)?;
        nix::unistd::sync();
        fs::rename(&fresh, &missing)?;
        nix::unistd::sync();
        Ok(())
    }

    /// Lays it out in a directory as on an EFI system partition.
    pub fn lay_out_efi(&self, at: &Path, root: usize) -> Result<(), ApplyError> {
        let folder = at.join(FOLDER);
        let written = fs::create_dir_all(&folder)
            .and_then(|()| fs::write(folder.join(MENU), hop(root)))
            .and_then(|()| fs::write(folder.join(PROGRAM), &self.efi));
        written.map_err(ApplyError::io("write", &folder))
    }
}

/// Puts a file in place of another.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("new");
    fs::write(&fresh, content)?;
    File::open(&fresh)?.sync_all()?;
    nix::unistd::sync();
    fs::rename(&fresh, path)?;
    nix::unistd::sync();
    Ok(())
}
