//! Disks of an emulated machine.

use std::path::{Path, PathBuf};

/// A disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// The file.
    pub file: PathBuf,
    /// The format of the file.
    pub layout: DiskLayout,
    /// Its offset and size in a raw file, in bytes; `None` for the whole file.
    pub part: Option<(u64, u64)>,
    /// The bus it is attached to.
    pub bus: Bus,
    /// Whether the guest may write to it. Writes go to a temporary file that is removed with the guest.
    pub is_writable: bool,
}

/// The format of a disk's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskLayout {
    /// Byte by byte.
    Raw,
    /// QEMU's.
    Qcow2,
    /// VMware's.
    Vmdk,
    /// Microsoft's.
    Vhd,
}

/// The bus of a disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Bus {
    /// A virtio block device.
    #[default]
    Virtio,
    /// VMware's paravirtual SCSI adapter.
    Pvscsi,
    /// NVM Express.
    Nvme,
    /// An AHCI port.
    Sata,
}

impl Disk {
    /// A raw file as a virtio block device that cannot be written.
    pub fn read_only(file: PathBuf) -> Self {
        Self { file, layout: DiskLayout::Raw, part: None, bus: Bus::Virtio, is_writable: false }
    }

    /// A file that the guest may write to, without changing it.
    pub fn scratch(file: PathBuf, layout: DiskLayout, bus: Bus) -> Self {
        Self { file, layout, part: None, bus, is_writable: true }
    }
}

impl DiskLayout {
    /// The format by the ending of a file's name; `None` for other endings.
    pub fn of_name(name: &Path) -> Option<Self> {
        match name.extension()?.to_str()? {
            "raw" | "img" => Some(Self::Raw),
            "qcow2" => Some(Self::Qcow2),
            "vmdk" => Some(Self::Vmdk),
            "vhd" => Some(Self::Vhd),
            _ => None,
        }
    }

    /// Its name in QEMU.
    pub(super) fn driver(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
            Self::Vmdk => "vmdk",
            Self::Vhd => "vpc",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_decides_the_layout() {
        assert_eq!(DiskLayout::of_name(Path::new("a.qcow2")), Some(DiskLayout::Qcow2));
        assert_eq!(DiskLayout::of_name(Path::new("a.azure.vhd")), Some(DiskLayout::Vhd));
        assert_eq!(DiskLayout::of_name(Path::new("a.iso")), None);
        assert_eq!(DiskLayout::of_name(Path::new("raw")), None);
    }
}
