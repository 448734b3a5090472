//! Kernel modules of the initramfs: those the hardware asks for, and those asked for by name.
//!
//! `/modules/index` is written by the builder, with all that modprobe would work out done beforehand:
//!
//! ```text
//! module ahci ahci.ko.zst scsi_common scsi_mod libata libahci
//! alias pci:v*d*sv*sd*bc01sc06i01* ahci
//! ```
//!
//! A module's line names its file and what must be loaded before it, in that order.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::console::Console;
use crate::glob;
use crate::sys;

/// What the index says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Index {
    modules: BTreeMap<String, Module>,
    aliases: Vec<(String, String)>,
}

#[derive(Debug, PartialEq, Eq)]
struct Module {
    file: String,
    needs: Vec<String>,
}

impl Index {
    /// Reads the index; lines of other kinds are passed over.
    pub fn parse(text: &str) -> Self {
        let mut index = Self::default();
        for line in text.lines() {
            let mut words = line.split_ascii_whitespace().map(str::to_owned);
            match (words.next().as_deref(), words.next(), words.next()) {
                (Some("module"), Some(name), Some(file)) => {
                    index.modules.insert(name, Module { file, needs: words.collect() });
                }
                (Some("alias"), Some(pattern), Some(name)) => index.aliases.push((pattern, name)),
                _ => {}
            }
        }
        index
    }

    /// The modules a device asks for by its alias.
    fn wanted_by(&self, modalias: &str) -> impl Iterator<Item = &str> {
        let fits = move |pattern: &str| glob::matches(pattern.as_bytes(), modalias.as_bytes());
        self.aliases.iter().filter(move |(pattern, _)| fits(pattern)).map(|(_, name)| name.as_str())
    }

    /// A module and all it needs, in the order they are loaded.
    fn order<'a>(&'a self, name: &'a str) -> Vec<&'a str> {
        let Some(module) = self.modules.get(name) else { return Vec::new() };
        module.needs.iter().map(String::as_str).chain([name]).collect()
    }
}

/// Loads modules, each once.
pub struct Loader {
    folder: PathBuf,
    index: Index,
    tried: BTreeSet<String>,
    seen: BTreeSet<String>,
}

impl Loader {
    /// A loader of the modules in `folder`; one without an index has none.
    pub fn open(folder: &Path) -> Self {
        let index = fs::read_to_string(folder.join("index")).map(|text| Index::parse(&text)).unwrap_or_default();
        Self { folder: folder.to_owned(), index, tried: BTreeSet::new(), seen: BTreeSet::new() }
    }

    /// Loads a module by name. One the index does not know is taken to be part of the kernel.
    pub fn load(&mut self, name: &str, console: &Console) {
        let order: Vec<String> = self.index.order(name).into_iter().map(str::to_owned).collect();
        for name in order {
            if self.tried.insert(name.clone()) {
                match self.insert(&name) {
                    Ok(()) => console.debug(&format!("loaded module {name}")),
                    Err(error) => console.warn(&format!("module {name} does not load: {error}")),
                }
            }
        }
    }

    /// Loads what devices that appeared since the last call ask for.
    pub fn load_for_new_devices(&mut self, console: &Console) {
        let mut aliases = Vec::new();
        collect_aliases(Path::new("/sys/devices"), 12, &mut aliases);
        for alias in aliases {
            if self.seen.insert(alias.clone()) {
                let wanted: Vec<String> = self.index.wanted_by(&alias).map(str::to_owned).collect();
                for name in wanted {
                    self.load(&name, console);
                }
            }
        }
    }

    fn insert(&self, name: &str) -> io::Result<()> {
        let Some(module) = self.index.modules.get(name) else { return Ok(()) };
        let compressed = !module.file.ends_with(".ko");
        sys::load_module(&File::open(self.folder.join(&module.file))?, compressed)
    }
}

/// The `modalias` of every device below `folder`. Links are not followed: devices' directories are all below /sys/devices.
fn collect_aliases(folder: &Path, depth: u32, aliases: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() && depth > 0 {
            collect_aliases(&entry.path(), depth - 1, aliases);
        } else if kind.is_file() && entry.file_name() == "modalias" {
            aliases.extend(fs::read_to_string(entry.path()).map(|text| text.trim_end().to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: &str = "module libata libata.ko scsi_mod\nmodule ahci ahci.ko.zst scsi_mod libata\nmodule scsi_mod scsi_mod.ko\n\
                         alias pci:v*bc01sc06i01* ahci\nalias pci:v1234* scsi_mod\n";

    #[test]
    fn devices_get_their_modules_and_what_those_need() {
        let index = Index::parse(INDEX);
        assert_eq!(index.wanted_by("pci:v8086bc01sc06i01").collect::<Vec<_>>(), ["ahci"]);
        assert_eq!(index.wanted_by("usb:v8086").count(), 0);
        assert_eq!(index.order("ahci"), ["scsi_mod", "libata", "ahci"]);
        assert_eq!(index.order("overlay"), Vec::<&str>::new());
    }
}
