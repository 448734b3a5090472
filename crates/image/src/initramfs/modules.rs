//! Which kernel modules the initramfs contains, and the index that the live system's `/init` loads them with.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// File systems that every live medium needs, as modules or built in.
pub const REQUIRED: [&str; 4] = ["isofs", "squashfs", "overlay", "loop"];

/// Drivers for the media that the kernel can start from. Those that a kernel lacks are left out.
pub const DRIVERS: [&str; 24] = [
    "sr_mod",
    "sd_mod", // discs and sticks
    "ahci",
    "ata_piix",
    "ata_generic", // SATA and IDE drives
    "usb_storage",
    "uas",
    "xhci_pci",
    "ehci_pci",
    "uhci_hcd",
    "ohci_pci", // USB
    "nvme",
    "vmw_pvscsi",
    "mptspi",
    "mptsas",
    "virtio_pci",
    "virtio_blk",
    "virtio_scsi",
    "hv_storvsc", // disks of virtual machines
    "mmc_block",
    "sdhci_pci",
    "sdhci_acpi", // cards
    "xen_blkfront",
    "erofs",
];

/// The results of depmod for a kernel's modules.
#[derive(Debug, Default)]
pub struct ModuleTree {
    /// Name → file below the modules' directory, and the names it needs, direct ones first (the order of `modules.dep`).
    modules: BTreeMap<String, (String, Vec<String>)>,
    /// Pattern and module.
    aliases: Vec<(String, String)>,
    builtin: BTreeSet<String>,
}

impl ModuleTree {
    /// Reads `modules.dep`, `modules.alias` and `modules.builtin`.
    pub fn parse(dep: &str, alias: &str, builtin: &str) -> Self {
        let modules = dep.lines().filter_map(|line| {
            let (file, needs) = line.split_once(':')?;
            let needs = needs.split_ascii_whitespace().map(name_of).collect();
            Some((name_of(file), (file.to_owned(), needs)))
        });
        let aliases = alias.lines().filter_map(|line| {
            let mut words = line.strip_prefix("alias ")?.split_ascii_whitespace();
            Some((words.next()?.to_owned(), normal(words.next()?)))
        });
        Self { modules: modules.collect(), aliases: aliases.collect(), builtin: builtin.lines().map(name_of).collect() }
    }

    /// Whether the kernel has it, as a module or built in.
    pub fn has(&self, name: &str) -> bool {
        self.modules.contains_key(name) || self.builtin.contains(name)
    }

    /// The modules of these names and everything they need: name → file below the modules' directory.
    pub fn closure<'a>(&'a self, names: impl IntoIterator<Item = &'a str>) -> BTreeMap<&'a str, &'a str> {
        let mut found = BTreeMap::new();
        for name in names {
            let Some((key, (file, needs))) = self.modules.get_key_value(name) else { continue };
            found.insert(key.as_str(), file.as_str());
            for need in needs {
                if let Some((key, (file, _))) = self.modules.get_key_value(need) {
                    found.insert(key, file);
                }
            }
        }
        found
    }

    /// The index of the modules in `held` (name → the file's name in the initramfs), in the format `/init` reads.
    pub fn index(&self, held: &BTreeMap<&str, String>) -> String {
        let mut text = String::new();
        for (name, file) in held {
            let _ = write!(text, "module {name} {file}");
            // modules.dep lists direct dependencies first and theirs after them, so modules are loaded from the end.
            for need in self.modules.get(*name).into_iter().flat_map(|(_, needs)| needs.iter().rev()) {
                let _ = write!(text, " {need}");
            }
            text.push('\n');
        }
        let aliases: BTreeSet<_> = self.aliases.iter().filter(|(_, name)| held.contains_key(name.as_str())).collect();
        for (pattern, name) in aliases {
            let _ = writeln!(text, "alias {pattern} {name}");
        }
        text
    }
}

/// The module's name from its file name: `kernel/drivers/ata/libata.ko.zst` → `libata`, with `_` for `-`.
fn name_of(file: &str) -> String {
    let base = file.rsplit('/').next().unwrap_or(file);
    normal(base.split_once(".ko").map_or(base, |(name, _)| name))
}

fn normal(name: &str) -> String {
    name.replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> ModuleTree {
        ModuleTree::parse(
            "k/ahci.ko.zst: k/libahci.ko.zst k/libata.ko.zst k/scsi_mod.ko.zst\nk/libahci.ko.zst: k/libata.ko.zst k/scsi_mod.ko.zst\n\
             k/libata.ko.zst: k/scsi_mod.ko.zst\nk/scsi_mod.ko.zst:\nk/usb-storage.ko.zst: k/scsi_mod.ko.zst\nk/other.ko.zst:\n",
            "# Aliases\nalias pci:v*bc01sc06i01* ahci\nalias usb:v* usb-storage\nalias x other\n",
            "kernel/fs/isofs/isofs.ko\n",
        )
    }

    #[test]
    fn the_index_contains_requested_modules_and_their_dependencies() {
        let tree = tree();
        let found = tree.closure(["ahci", "usb_storage", "isofs", "absent"]);
        assert_eq!(found.keys().copied().collect::<Vec<_>>(), ["ahci", "libahci", "libata", "scsi_mod", "usb_storage"]);
        let held = found.keys().map(|name| (*name, format!("{name}.ko"))).collect();
        let index = tree.index(&held);
        assert!(index.contains("module ahci ahci.ko scsi_mod libata libahci\n"), "{index}");
        assert!(index.ends_with("alias pci:v*bc01sc06i01* ahci\nalias usb:v* usb_storage\n"), "{index}");
        assert!(tree.has("isofs") && !tree.has("absent"));
    }
}
