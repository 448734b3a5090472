//! What the planner knows about the machine.

use serde::{Deserialize, Serialize};

/// A machine, as far as an installation depends on it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// What started it.
    pub firmware: Firmware,
    /// Its memory, in bytes.
    pub memory_bytes: u64,
    /// Its disks, by device.
    pub disks: Vec<DiskFacts>,
    /// Its network cards, by name.
    #[serde(default)]
    pub cards: Vec<String>,
    /// Programs that make file systems and are there.
    pub programs: Vec<String>,
}

/// What started a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Firmware {
    /// A BIOS.
    Bios,
    /// UEFI.
    Efi,
}

/// A disk.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DiskFacts {
    /// Its device: `/dev/sda`.
    pub device: String,
    /// Other names of it, such as those in /dev/disk/by-path.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Its size, in bytes.
    pub size_bytes: u64,
    /// What its maker calls it.
    #[serde(default)]
    pub model: String,
    /// Whether it can be written.
    #[serde(default = "yes")]
    pub writable: bool,
    /// Bytes of a sector, as the disk counts them.
    #[serde(default = "sector")]
    pub sector_bytes: u64,
    /// Why it must not be touched: it contains the system that runs.
    #[serde(default)]
    pub in_use: Option<String>,
    /// A driver between it and the processor that the kernel has only as a module.
    #[serde(default)]
    pub module: Option<String>,
    /// What is on it now: one line for each partition.
    #[serde(default)]
    pub holds: Vec<String>,
}

fn yes() -> bool {
    true
}

fn sector() -> u64 {
    512
}

impl Facts {
    /// The disk of this name.
    pub fn disk(&self, name: &str) -> Option<&DiskFacts> {
        self.disks.iter().find(|disk| disk.device == name || disk.aliases.iter().any(|alias| alias == name))
    }

    /// The disks an installation may go to.
    pub fn usable(&self) -> impl Iterator<Item = &DiskFacts> {
        self.disks.iter().filter(|disk| disk.refusal().is_none())
    }
}

impl DiskFacts {
    /// Why an installation cannot go there.
    pub fn refusal(&self) -> Option<String> {
        if let Some(reason) = &self.in_use {
            return Some(format!("it is in use: {reason}"));
        }
        if !self.writable {
            return Some("it is read-only".to_owned());
        }
        if self.sector_bytes != 512 {
            return Some(format!("its sectors have {} bytes; only 512 are supported", self.sector_bytes));
        }
        let module = self.module.as_ref()?;
        Some(format!(
            "the kernel has its driver `{module}` as a module, which is on the disk itself: the system must start from NVMe, virtio or PVSCSI"
        ))
    }

    /// Size and model, for people.
    pub fn describe(&self) -> String {
        let model = if self.model.is_empty() { String::new() } else { format!(", {}", self.model) };
        format!("{} ({}{model})", self.device, super::size(self.size_bytes))
    }
}
