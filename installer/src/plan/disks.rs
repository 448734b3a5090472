//! Which partitions there will be, and what becomes of each.

use disk_layout::{BIOS_BYTES, ESP_BYTES, LayoutError, MIB, Purpose, Size, Wish};

use super::{Destroyed, Note, Place, Refusal, Request, Step, guid, mounts};
use kickstart::{FileSystem, Partition};

/// Less than this contains no system.
const ROOT_BYTES: u64 = 768 * MIB;

/// The name of the disk that the system starts from.
pub(crate) const DEFAULT_DISK: &str = "default";
const ESP_MOUNT: &str = "/boot/efi";

/// The part of a plan that is about disks.
pub(super) struct Disks {
    pub destroys: Vec<Destroyed>,
    /// Tables, file systems, mounts.
    pub steps: Vec<Step>,
    pub fstab: String,
    /// Making it start.
    pub boot: Step,
    /// The number of the root's partition, where the boot loader's menu is on another one.
    pub root_behind_boot: Option<usize>,
}

/// A disk of the plan.
struct Target<'a> {
    /// As `partitions` call it.
    name: &'a str,
    /// The key it stands at.
    path: String,
    device: String,
    size_bytes: u64,
}

/// What a partition is in the plan.
pub(super) struct Part<'a> {
    pub wish: Wish,
    /// What is on it; nothing for a boot loader without a file system.
    pub filesystem: Option<FileSystem>,
    pub mountpoint: Option<&'a str>,
    /// Where it is written, if it is.
    pub given: Option<(usize, &'a Partition)>,
}

/// A partition in its place, with its identity.
pub(super) struct Made<'a> {
    pub part: Part<'a>,
    pub place: Place,
    pub partuuid: String,
}

pub(super) fn plan(request: &Request<'_>, notes: &mut Vec<Note>) -> Result<Disks, Vec<Refusal>> {
    let mut refusals = Vec::new();
    let mut disks = Disks { destroys: Vec::new(), steps: Vec::new(), fstab: String::new(), boot: Step::Close, root_behind_boot: None };
    let targets = targets(request, &mut disks, &mut refusals);
    let mut made = Vec::new();
    for target in &targets {
        let parts = parts(request, target);
        match lay_out(request, target, &parts) {
            Ok(step) => {
                if let Step::PartitionTable { layout, .. } = &step {
                    for (part, partition) in parts.into_iter().zip(&layout.partitions) {
                        let (number, offset_bytes, size_bytes) = (partition.number, partition.offset_bytes, partition.size_bytes);
                        let place = Place { disk: target.device.clone(), number, offset_bytes, size_bytes };
                        made.push(Made { part, place, partuuid: partition.guid.to_string() });
                    }
                }
                disks.steps.push(step);
            }
            Err(refusal) => refusals.push(refusal),
        }
    }
    programs(request, made.iter().map(|made| &made.part), &mut refusals);
    if is_in_files(request) {
        in_files(request, made.iter().map(|made| &made.part), &mut refusals);
    }
    if !refusals.is_empty() {
        return Err(refusals);
    }
    small_esp(request, notes);
    mounts::file_systems(request, &made, &mut disks);
    Ok(disks)
}

/// Whether a partition is an EFI system partition of less than that takes; it gets as much.
fn is_small_esp(partition: &Partition) -> bool {
    partition.mountpoint.as_deref() == Some(ESP_MOUNT) && partition.size.is_some_and(|mib| mib > 0 && mib.saturating_mul(MIB) < ESP_BYTES)
}

fn small_esp(request: &Request<'_>, notes: &mut Vec<Note>) {
    for (index, partition) in request.kickstart.partitions.iter().enumerate().filter(|(_, partition)| is_small_esp(partition)) {
        let given = super::size(partition.size.unwrap_or_default().saturating_mul(MIB));
        let message = format!("{given} are too few for an EFI system partition; it gets {}", super::size(ESP_BYTES));
        notes.push(Note::new(format!("partitions[{index}].size"), message));
    }
}

/// The disks meant, as far as they are there and may be used.
fn targets<'a>(request: &'a Request<'_>, disks: &mut Disks, refusals: &mut Vec<Refusal>) -> Vec<Target<'a>> {
    let kickstart = request.kickstart;
    let mut targets = Vec::new();
    let mut device = |name: &'a str, path: String, device: &str, refusals: &mut Vec<Refusal>| {
        let Some(facts) = request.facts.disk(device) else {
            refusals.push(Refusal::new(path, format!("there is no disk `{device}`")).hint(available(request)));
            return;
        };
        if let Some(reason) = facts.refusal() {
            refusals.push(Refusal::new(path, format!("{} cannot be installed on: {reason}", facts.device)).hint(available(request)));
            return;
        }
        if disks.destroys.iter().any(|other: &Destroyed| other.device == facts.device) {
            refusals.push(Refusal::new(path, format!("{} is listed twice", facts.device)));
            return;
        }
        let description = facts.describe();
        disks.destroys.push(Destroyed { device: facts.device.clone(), description, holds: facts.holds.clone() });
        targets.push(Target { name, path, device: facts.device.clone(), size_bytes: facts.size_bytes });
    };
    match &kickstart.disk {
        Some(disk) => device(DEFAULT_DISK, "disk".into(), disk, refusals),
        None if kickstart.disks.is_empty() => {
            let usable: Vec<_> = request.facts.usable().collect();
            match usable[..] {
                [only] => device(DEFAULT_DISK, "disk".into(), &only.device.clone(), refusals),
                [] => refusals.push(Refusal::new("disk", "there is no disk to install on").hint(available(request))),
                [_, _, ..] => {
                    refusals.push(Refusal::new("disk", "no disk is specified, and there is more than one").hint(available(request)))
                }
            }
        }
        None => {
            if !kickstart.disks.contains_key(DEFAULT_DISK) {
                refusals.push(Refusal::new("disk", "no disk is left for the system to start from").hint(available(request)));
            }
            for (name, disk) in kickstart.disks.iter().filter(|(_, disk)| disk.filename.is_none()) {
                device(name, format!("disks.{name}"), disk.device.as_deref().unwrap_or_default(), refusals);
            }
        }
    }
    let is_mixed =
        kickstart.disks.values().any(|disk| disk.filename.is_some()) && kickstart.disks.values().any(|disk| disk.device.is_some());
    if is_mixed {
        refusals.push(Refusal::new("disks", "either all disks must be files, or none"));
    }
    for (name, disk) in &kickstart.disks {
        if let (Some(file), Some(mib)) = (&disk.filename, disk.size) {
            let size_bytes = mib.saturating_mul(MIB);
            disks.steps.push(Step::DiskFile { path: file.clone(), size_bytes });
            targets.push(Target { name, path: format!("disks.{name}"), device: file.clone(), size_bytes });
        }
    }
    targets.sort_by(|a, b| (a.name != DEFAULT_DISK, a.name).cmp(&(b.name != DEFAULT_DISK, b.name)));
    targets
}

fn available(request: &Request<'_>) -> String {
    let lines: Vec<String> = request
        .facts
        .disks
        .iter()
        .map(|disk| disk.refusal().map_or_else(|| disk.describe(), |reason| format!("{}: {reason}", disk.describe())))
        .collect();
    if lines.is_empty() { "the machine has no disks".into() } else { format!("there are {}", lines.join("; ")) }
}

/// All partitions of a disk, those for boot loaders first.
fn parts<'a>(request: &'a Request<'_>, target: &Target<'_>) -> Vec<Part<'a>> {
    let kickstart = request.kickstart;
    let name = |part: &str| format!("{}:{part}", target.name);
    let plain = |purpose, size, label: &str, filesystem, mountpoint| Part {
        wish: Wish { purpose, size, label: label.into(), guid: guid(&request.seed, &name(label)) },
        filesystem,
        mountpoint,
        given: None,
    };
    let mut parts = Vec::new();
    if target.name == DEFAULT_DISK {
        if kickstart.bootmode.bios() {
            parts.push(plain(Purpose::BiosBoot, Size::Bytes(BIOS_BYTES), "bios", None, None));
        }
        let own_esp = kickstart.partitions.iter().any(|partition| partition.mountpoint.as_deref() == Some(ESP_MOUNT));
        if kickstart.bootmode.efi() && !own_esp {
            parts.push(plain(Purpose::Esp, Size::Bytes(ESP_BYTES), "esp", Some(FileSystem::Vfat), None));
        }
        if kickstart.partitions.is_empty() {
            let size = Size::Rest { at_least_bytes: ROOT_BYTES };
            parts.push(plain(Purpose::Root, size, "root", Some(FileSystem::Ext4), Some("/")));
        }
    }
    for (index, partition) in kickstart.partitions.iter().enumerate() {
        if partition.disk_id.as_deref().unwrap_or(DEFAULT_DISK) == target.name {
            parts.push(given(index, partition, |part| guid(&request.seed, &name(part))));
        }
    }
    parts
}

fn given<'a>(index: usize, partition: &'a Partition, guid: impl Fn(&str) -> disk_layout::Guid) -> Part<'a> {
    // The options and what is inside of the file system are `mounts`'s, the disk is the caller's.
    let Partition { mountpoint, size, sizepercent, filesystem, disk_id: _, mkfs_options: _, fs_options: _, btrfs: _ } = partition;
    let mountpoint = mountpoint.as_deref().filter(|_| *filesystem != FileSystem::Swap);
    let (purpose, label) = match mountpoint {
        Some("/") => (Purpose::Root, "root".to_owned()),
        Some(ESP_MOUNT) => (Purpose::Esp, "esp".to_owned()),
        Some(at) => (Purpose::Data, at.trim_start_matches('/').chars().take(36).collect()),
        None if *filesystem == FileSystem::Swap => (Purpose::Swap, "swap".to_owned()),
        None => (Purpose::Data, "data".to_owned()),
    };
    let size = match (size, sizepercent) {
        (Some(_), _) if is_small_esp(partition) => Size::Bytes(ESP_BYTES),
        (Some(mib @ 1..), _) => Size::Bytes(mib.saturating_mul(MIB)),
        (Some(0) | None, Some(percent)) => Size::Percent(*percent),
        (Some(0) | None, None) => Size::Rest { at_least_bytes: if purpose == Purpose::Root { ROOT_BYTES } else { MIB } },
    };
    let wish = Wish { purpose, size, label, guid: guid(&format!("partitions[{index}]")) };
    Part { wish, filesystem: Some(*filesystem), mountpoint, given: Some((index, partition)) }
}

fn lay_out(request: &Request<'_>, target: &Target<'_>, parts: &[Part<'_>]) -> Result<Step, Refusal> {
    let wishes: Vec<Wish> = parts.iter().map(|part| part.wish.clone()).collect();
    let table = guid(&request.seed, target.name);
    let layout = disk_layout::plan(target.size_bytes, table, &wishes).map_err(|error| {
        let about_partitions = !request.kickstart.partitions.is_empty();
        let path = if about_partitions { "partitions".to_owned() } else { target.path.clone() };
        let hint =
            matches!(error, LayoutError::TooSmall { .. }).then(|| format!("{} has {}", target.device, super::size(target.size_bytes)));
        Refusal { path, message: error.to_string(), hint }
    })?;
    for (part, partition) in parts.iter().zip(&layout.partitions) {
        let least = match part.wish.purpose {
            Purpose::Root => ROOT_BYTES,
            Purpose::Esp => ESP_BYTES,
            Purpose::BiosBoot | Purpose::Swap | Purpose::Data => 0,
        };
        if partition.size_bytes < least {
            let path = part.given.map_or_else(|| target.path.clone(), |(index, _)| format!("partitions[{index}]"));
            let message = format!("it has {}, but at least {} are needed", super::size(partition.size_bytes), super::size(least));
            return Err(Refusal::new(path, message));
        }
    }
    Ok(Step::PartitionTable { disk: target.device.clone(), layout })
}

/// File systems take programs that a live system may lack.
fn programs<'a>(request: &Request<'_>, parts: impl Iterator<Item = &'a Part<'a>>, refusals: &mut Vec<Refusal>) {
    for part in parts {
        let Some((program, package)) = part.filesystem.map(|kind| (kind.program(), kind.package())) else { continue };
        if !request.facts.programs.iter().any(|known| known == program) {
            let path = part.given.map_or_else(|| "disk".to_owned(), |(index, _)| format!("partitions[{index}].filesystem"));
            let message = format!("this live system has no `{program}`");
            if !refusals.iter().any(|other| other.path == path && other.message == message) {
                let refusal = Refusal::new(path, message);
                refusals.push(match package {
                    Some(package) => {
                        refusal.hint(format!("it is in the package `{package}`, which can be added to the image's `iso.live`"))
                    }
                    None => refusal,
                });
            }
        }
    }
}

fn is_in_files(request: &Request<'_>) -> bool {
    request.kickstart.disks.values().any(|disk| disk.filename.is_some())
}

/// Without mounting them, not all file systems can be filled.
fn in_files<'a>(request: &Request<'_>, parts: impl Iterator<Item = &'a Part<'a>>, refusals: &mut Vec<Refusal>) {
    const WRITER: &str = "mcopy";
    for part in parts {
        let path = part.given.map_or_else(|| "disks".to_owned(), |(index, _)| format!("partitions[{index}].filesystem"));
        match part.filesystem {
            Some(kind @ (FileSystem::Xfs | FileSystem::Btrfs)) => {
                let message = format!("{} cannot be created in a file: it is filled only where it is mounted", kind.name());
                refusals.push(Refusal::new(path, message).hint("use ext4, vfat or swap; on a disk, xfs and btrfs are also possible"));
            }
            Some(FileSystem::Vfat) if !request.facts.programs.iter().any(|known| known == WRITER) => {
                refusals.push(Refusal::new(path, format!("this system has no `{WRITER}`")).hint("it is in the package `mtools`"));
            }
            Some(FileSystem::Ext4 | FileSystem::Vfat | FileSystem::Swap) | None => {}
        }
    }
}
