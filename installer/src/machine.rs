//! Looking at this machine: its disks, its firmware, the programs it has.

use std::fs;
use std::path::Path;

use system::program::find_program;

use crate::plan::{DiskFacts, Facts, Firmware};

/// Programs that make file systems, one that writes to a FAT file system without mounting it, and one that unpacks archives.
const PROGRAMS: [&str; 7] = ["mcopy", "mkfs.btrfs", "mkfs.ext4", "mkfs.vfat", "mkfs.xfs", "mkswap", "tar"];

/// What there is. Nothing is opened for writing.
pub fn facts() -> Facts {
    let firmware = if Path::new("/sys/firmware/efi").is_dir() { Firmware::Efi } else { Firmware::Bios };
    let programs = PROGRAMS.into_iter().filter(|program| find_program(program).is_some()).map(str::to_owned).collect();
    Facts { firmware, memory_bytes: memory_bytes(), disks: disks(), cards: cards(), programs }
}

/// Network cards that are devices, by name.
fn cards() -> Vec<String> {
    let folder = Path::new("/sys/class/net");
    names_in(folder).into_iter().filter(|name| folder.join(name).join("device").exists()).collect()
}

fn memory_bytes() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib: u64 = line.and_then(|rest| rest.split_whitespace().next()).and_then(|word| word.parse().ok()).unwrap_or(0);
    kib * 1024
}

/// Kinds of block devices that are not disks to install on: memory, loops, discs, floppies, compositions of others.
const NO_DISKS: [&str; 9] = ["loop", "ram", "zram", "sr", "fd", "dm-", "md", "nbd", "mtdblock"];

fn disks() -> Vec<DiskFacts> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let swaps = fs::read_to_string("/proc/swaps").unwrap_or_default();
    let aliases = aliases();
    let mut names: Vec<String> = names_in(Path::new("/sys/block"));
    names.retain(|name| !NO_DISKS.iter().any(|kind| name.starts_with(kind)));
    names.into_iter().filter_map(|name| disk(&name, &mounts, &swaps, &aliases)).collect()
}

/// Sorted.
fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// Other names of devices: link and device.
fn aliases() -> Vec<(String, String)> {
    let folders = ["/dev/disk/by-id", "/dev/disk/by-path", "/dev/disk/by-diskseq"];
    let links = folders.iter().flat_map(|folder| names_in(Path::new(folder)).into_iter().map(move |name| format!("{folder}/{name}")));
    links.filter_map(|link| fs::canonicalize(&link).ok().and_then(|to| to.to_str().map(str::to_owned)).map(|to| (link, to))).collect()
}

fn disk(name: &str, mounts: &str, swaps: &str, aliases: &[(String, String)]) -> Option<DiskFacts> {
    let folder = Path::new("/sys/block").join(name);
    let read = |file: &str| fs::read_to_string(folder.join(file)).map(|text| text.trim().to_owned()).unwrap_or_default();
    // Always in units of 512 bytes, whatever the sectors are.
    let size_bytes = read("size").parse::<u64>().ok()? * 512;
    if size_bytes == 0 {
        return None;
    }
    let device = format!("/dev/{}", name.replace('!', "/"));
    let partitions: Vec<String> = names_in(&folder).into_iter().filter(|entry| folder.join(entry).join("partition").is_file()).collect();
    let model = [read("device/vendor"), read("device/model")].join(" ").trim().to_owned();
    let in_use = partitions.iter().map(String::as_str).chain([name]).find_map(|part| used(&folder, name, part, mounts, swaps));
    Some(DiskFacts {
        aliases: aliases.iter().filter(|(_, to)| *to == device).map(|(link, _)| link.clone()).collect(),
        device,
        size_bytes,
        model,
        writable: read("ro") != "1",
        sector_bytes: read("queue/logical_block_size").parse().unwrap_or(512),
        in_use,
        module: loadable_driver(&folder.join("device")),
        holds: partitions.iter().map(|part| describe(&folder, part)).collect(),
    })
}

/// The first driver between a device and the processor that is a loadable module. Only those have an `initstate`
/// (ABI/stable/sysfs-module of the kernel's documents).
fn loadable_driver(device: &Path) -> Option<String> {
    let device = fs::canonicalize(device).ok()?;
    let modules = device.ancestors().filter_map(|part| fs::canonicalize(part.join("driver/module")).ok());
    let mut loadable = modules.filter(|module| module.join("initstate").is_file());
    loadable.next()?.file_name()?.to_str().map(str::to_owned)
}

/// Why a partition, or the disk as a whole, is in use.
fn used(folder: &Path, disk: &str, part: &str, mounts: &str, swaps: &str) -> Option<String> {
    let own = if part == disk { folder.to_owned() } else { folder.join(part) };
    let number = fs::read_to_string(own.join("dev")).unwrap_or_default();
    // mountinfo's third field is the device's number, the fifth where it is mounted (proc_pid_mountinfo(5)).
    let mounted = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>()).find(|fields| fields.get(2) == Some(&number.trim()));
    if let Some(at) = mounted.as_ref().and_then(|fields| fields.get(4)) {
        return Some(format!("{part} is mounted at {at}"));
    }
    if swaps.lines().skip(1).any(|line| line.split_whitespace().next() == Some(&format!("/dev/{part}"))) {
        return Some(format!("{part} is used as swap"));
    }
    let holders = names_in(&own.join("holders"));
    holders.first().map(|holder| format!("{part} is part of {holder}"))
}

/// One line about a partition.
fn describe(folder: &Path, part: &str) -> String {
    let size_bytes =
        fs::read_to_string(folder.join(part).join("size")).ok().and_then(|text| text.trim().parse::<u64>().ok()).unwrap_or(0) * 512;
    let events = fs::read_to_string(folder.join(part).join("uevent")).unwrap_or_default();
    let label = events.lines().find_map(|line| line.strip_prefix("PARTNAME=")).map(|name| format!(", called `{name}`")).unwrap_or_default();
    format!("{part} of {}{label}", crate::plan::size(size_bytes))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_driver_that_is_a_module_is_found_on_the_way_to_a_disk() {
        let sys = tempfile::tempdir().unwrap();
        let disk = sys.path().join("devices/pci/ata1/target/0:0:0:0");
        let drivers = [("sd", "devices/pci/ata1/target/0:0:0:0", false), ("ahci", "devices/pci", true)];
        fs::create_dir_all(&disk).unwrap();
        for (name, device, is_loadable) in drivers {
            let (driver, module) = (sys.path().join("bus").join(name), sys.path().join("module").join(name));
            fs::create_dir_all(&driver).unwrap();
            fs::create_dir_all(&module).unwrap();
            symlink(&module, driver.join("module")).unwrap();
            symlink(&driver, sys.path().join(device).join("driver")).unwrap();
            if is_loadable {
                fs::write(module.join("initstate"), "live\n").unwrap();
            }
        }
        assert_eq!(loadable_driver(&disk).as_deref(), Some("ahci"));
        fs::remove_file(sys.path().join("module/ahci/initstate")).unwrap();
        assert_eq!(loadable_driver(&disk), None);
    }
}
