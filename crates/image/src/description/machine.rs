//! The disk and the virtual machine of an image.

use serde::Serialize;

use base::document::Table;

/// The disk of formats that store only what is written, so that the disk may be larger than its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Disk {
    /// Its size, in GiB.
    pub size_gib: u64,
}

/// The virtual machine of an OVA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Ova {
    /// Processors.
    pub cpus: u64,
    /// Memory, in MiB.
    pub memory_mib: u64,
    /// VMware's virtual hardware, from 14 (ESXi 6.7).
    pub hardware_version: u64,
    /// What runs before the boot loader.
    pub firmware: Firmware,
    /// The size of an empty second disk, in GiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_disk_gib: Option<u64>,
}

/// What runs before the boot loader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Firmware {
    /// UEFI.
    Efi,
    /// BIOS.
    Bios,
}

impl Default for Disk {
    fn default() -> Self {
        Self { size_gib: 16 }
    }
}

impl Default for Ova {
    fn default() -> Self {
        Self { cpus: 2, memory_mib: 1024, hardware_version: 14, firmware: Firmware::Efi, data_disk_gib: None }
    }
}

pub(super) fn disk(top: &Table<'_>) -> Disk {
    let Some(table) = top.table("disk") else { return Disk::default() };
    let size_gib = table.integer("size-gib", 1..=2040).map_or(Disk::default().size_gib, |size| size.value);
    table.finish();
    Disk { size_gib }
}

pub(super) fn ova(top: &Table<'_>) -> Ova {
    let usual = Ova::default();
    let Some(table) = top.table("ova") else { return usual };
    let number = |key: &str, bounds, usual| table.integer(key, bounds).map_or(usual, |number| number.value);
    let firmware = table.string("firmware").and_then(|word| match word.value.as_str() {
        "efi" => Some(Firmware::Efi),
        "bios" => Some(Firmware::Bios),
        _ => {
            table.problem(word.span, "the firmware must be `efi` or `bios`");
            None
        }
    });
    let ova = Ova {
        cpus: number("cpus", 1..=768, usual.cpus),
        memory_mib: number("memory-mib", 256..=24 << 20, usual.memory_mib),
        hardware_version: number("hardware-version", 14..=22, usual.hardware_version),
        firmware: firmware.unwrap_or(usual.firmware),
        data_disk_gib: table.integer("data-disk-gib", 1..=62 << 10).map(|size| size.value),
    };
    table.finish();
    ova
}
