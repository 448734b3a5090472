//! Partitions, file systems, mounts and swap. Nothing that contains data is ever written over.

use std::path::Path;

use super::{Report, fstab};
use crate::cloud::{CloudConfig, DiskSetup, FsSetup, Mount, Places, Swap, Words, device, disk_name, entry_name};
use system::program::ProgramError;
use system::{SystemError, Target};

/// What entries of fstab(5) have that do not say otherwise: a disk that is missing does not stop a start.
const DEFAULTS: [Option<&str>; 6] = [None, None, Some("auto"), Some("defaults,nofail"), Some("0"), Some("2")];

pub(super) fn prepare(cloud: &CloudConfig, places: &Places, is_added: bool, target: &Target, report: &mut Report) {
    let has_disks = !(cloud.disk_setup.is_empty() && cloud.fs_setup.is_empty() && cloud.mounts.is_empty());
    if has_disks && target.root() == Path::new("/") {
        // Disks may still be looked at.
        report.take("disks", target.run("udevadm", &["settle", "--timeout=30"], None).map(drop));
    }
    for (disk, setup) in &cloud.disk_setup {
        report.take(places.of(&disk_name(disk)), partition(disk, setup, target));
    }
    for setup in &cloud.fs_setup {
        let (place, device) = (places.find(&entry_name(setup)).unwrap_or("fs_setup"), &setup.device.0);
        report.take(&format!("{place}: {device}"), file_system(setup, target));
    }
    let mut entries = Vec::new();
    for mount in &cloud.mounts {
        let place = places.find(&entry_name(mount)).unwrap_or("mounts").to_owned();
        match line(mount, cloud.mount_default_fields.as_ref(), target) {
            Ok(line) => entries.extend(line.map(|line| fstab::Entry { place, line })),
            Err(error) => report.take(&place, Err(error)),
        }
    }
    if let Some(swap) = &cloud.swap {
        let place = places.of("swap").to_owned();
        match swap_file(swap, target) {
            Ok(path) => entries.extend(path.map(|path| fstab::Entry { place, line: format!("{path} none swap sw,nofail 0 0") })),
            Err(error) => report.take(&place, Err(error)),
        }
    }
    if !entries.is_empty() {
        report.take("mounts", fstab::write(&entries, is_added, target));
        if target.root() == Path::new("/") {
            fstab::mount(&entries, target, report);
        }
    }
}

/// blkid(8) ends so where it finds nothing.
const NOTHING_FOUND: i32 = 2;

/// What is on a device, if anything.
fn content(device: &str, target: &Target) -> Result<Option<String>, SystemError> {
    if !Path::new(device).exists() {
        return Err(SystemError::refused("there is no such device"));
    }
    let words = ["--probe", "--output", "value", "--match-tag", "TYPE", "--match-tag", "PTTYPE", "--", device];
    match target.run("blkid", &words, None) {
        Ok(said) => Ok(Some(said.trim().to_owned()).filter(|said| !said.is_empty())),
        Err(SystemError::Program(ProgramError::Failed { status, .. })) if status.code() == Some(NOTHING_FOUND) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a device is empty, so that something may be made on it. One that is not is left as it is.
fn is_empty(device: &str, overwrite: bool, target: &Target) -> Result<bool, SystemError> {
    match content(device, target)? {
        None => Ok(true),
        Some(_) if overwrite => Err(SystemError::refused("it is not empty, and nothing is written over: `overwrite` is not supported")),
        Some(_) => Ok(false),
    }
}

/// Where descriptions of partitions are while they are made.
const DEFINITIONS: &str = "/run/kaon/partitions";

fn partition(disk: &str, setup: &DiskSetup, target: &Target) -> Result<(), SystemError> {
    let disk = device(disk);
    if setup.layout.0.is_empty() || !is_empty(&disk, setup.overwrite, target)? {
        return Ok(());
    }
    let folder = format!("{DEFINITIONS}{}", disk.replace('/', "-"));
    for (name, text) in definitions(&setup.layout.0) {
        target.write(&format!("{folder}/{name}"), 0o644, text.as_bytes())?;
    }
    let words = ["--dry-run=no", "--empty=require", "--seed=random", &format!("--definitions={folder}"), &disk];
    target.run("systemd-repart", &words, None)?;
    target.run("udevadm", &["settle", "--timeout=30"], None).map(drop)
}

/// Partitions as repart.d(5) describes them. The table is GPT, which is right for disks of every size.
fn definitions(percents: &[u32]) -> Vec<(String, String)> {
    let rest = 100_u32.saturating_sub(percents.iter().sum());
    let last = percents.len() - 1;
    let define = |(index, percent): (usize, &u32)| {
        let padding = if index == last && rest > 0 { format!("PaddingWeight={rest}\n") } else { String::new() };
        (format!("{:02}.conf", index + 1), format!("[Partition]\nType=linux-generic\nWeight={percent}\n{padding}"))
    };
    percents.iter().enumerate().map(define).collect()
}

/// The kernel's name of a device that is given by one of its others, which name partitions in ways of their own.
fn kernel_name(device: &str) -> String {
    std::fs::canonicalize(device).ok().and_then(|path| path.to_str().map(str::to_owned)).unwrap_or_else(|| device.to_owned())
}

/// A partition by its number: disks whose name ends in a digit put a `p` before it.
fn partition_of(disk: &str, number: &str) -> String {
    let p = if disk.ends_with(|letter: char| letter.is_ascii_digit()) { "p" } else { "" };
    format!("{disk}{p}{number}")
}

fn file_system(setup: &FsSetup, target: &Target) -> Result<(), SystemError> {
    let FsSetup { device: given, filesystem, label: name, partition, extra_opts: Words(further, _), overwrite } = setup;
    // Made by an earlier start, on a disk that may be attached elsewhere now.
    if name.as_ref().is_some_and(|name| has_label(&name.0, target)) && !overwrite {
        return Ok(());
    }
    let disk = device(&given.0);
    let place = match partition.as_ref().map(|word| word.0.as_str()) {
        None | Some("auto" | "any" | "none") => disk,
        Some(number) => partition_of(&kernel_name(&disk), number),
    };
    if !is_empty(&place, *overwrite, target)? {
        return Ok(());
    }
    let (program, label) = maker(&filesystem.0, target)?;
    let name = name.as_ref().map(|line| line.0.as_str());
    if let Some(wrong) = setup.label_too_long() {
        return Err(SystemError::refused(&wrong));
    }
    let further = further.iter().flat_map(|words| words.split_whitespace());
    let words: Vec<&str> = name.iter().flat_map(|name| [label, name]).chain(further).chain([place.as_str()]).collect();
    target.run(&program, &words, None).map(drop)
}

/// Packages with the programs that make file systems. Packages of the document are installed later than file systems are made.
const MAKERS: [(&str, &str); 8] = [
    ("btrfs", "btrfs-progs"),
    ("ext2", "e2fsprogs"),
    ("ext3", "e2fsprogs"),
    ("ext4", "e2fsprogs"),
    ("fat", "dosfstools"),
    ("swap", "util-linux"),
    ("vfat", "dosfstools"),
    ("xfs", "xfsprogs"),
];

/// The program that makes a kind of file system, and its option for the name.
fn maker(kind: &str, target: &Target) -> Result<(String, &'static str), SystemError> {
    let (program, label) = match kind {
        "swap" => ("mkswap".to_owned(), "-L"),
        "fat" | "vfat" => (format!("mkfs.{kind}"), "-n"),
        _ => (format!("mkfs.{kind}"), "-L"),
    };
    let is_plain = !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_plain && target.has(&program) {
        return Ok((program, label));
    }
    let package = MAKERS.iter().find(|(known, _)| *known == kind);
    let advice = package.map(|(_, package)| format!(": the image must contain the package `{package}`")).unwrap_or_default();
    Err(SystemError::refused(&format!("no program here makes the file system `{kind}`{advice}")))
}

/// Whether some file system of this machine has this name.
fn has_label(name: &str, target: &Target) -> bool {
    !name.contains('/') && target.place(&format!("/dev/disk/by-label/{name}")).is_ok_and(|place| place.symlink_metadata().is_ok())
}

/// A line of fstab; none for an entry that takes one away.
fn line(mount: &Mount, defaults: Option<&Mount>, target: &Target) -> Result<Option<String>, SystemError> {
    let field = |index: usize| mount.field(index, defaults).or_else(|| DEFAULTS[index].map(str::to_owned));
    let Some(source) = field(0).map(|name| device(&name)) else { return Err(SystemError::refused("an entry has no device")) };
    // cloud-init's way to say that something is not mounted.
    let Some(folder) = field(1) else { return Ok(None) };
    let is_swap = field(2).as_deref() == Some("swap") || folder == "swap";
    let folder = if is_swap || folder == "none" { "none".to_owned() } else { folder };
    if folder != "none" {
        target.directory(&folder, 0o755)?;
    }
    let kind = if is_swap { Some("swap".to_owned()) } else { field(2) };
    let escaped = |text: String| text.replace('\\', "\\134").replace(' ', "\\040").replace('\t', "\\011").replace('#', "\\043");
    // Blanks between options would end the field.
    let options = field(3).map(|text| text.split([' ', '\t', ',']).filter(|option| !option.is_empty()).collect::<Vec<_>>().join(","));
    let fields = [Some(source), Some(folder), kind, options, field(4), field(5)];
    Ok(Some(fields.into_iter().flatten().map(escaped).collect::<Vec<_>>().join(" ")))
}

/// Makes a file to swap to, if it is not there; its path.
fn swap_file(swap: &Swap, target: &Target) -> Result<Option<String>, SystemError> {
    let path = swap.filename.as_ref().map_or_else(|| "/swap.img".to_owned(), |path| path.0.clone());
    let bytes = match (swap.size.0, swap.maxsize.and_then(|size| size.0)) {
        (Some(bytes), _) => bytes,
        (None, most) => memory().min(most.unwrap_or(4 << 30)),
    };
    if bytes == 0 {
        return Ok(None);
    }
    let place = target.place(&path)?;
    if place.exists() {
        return Ok(Some(path));
    }
    let (folder, _) = path.rsplit_once('/').unwrap_or(("", ""));
    if !folder.is_empty() {
        target.directory(folder, 0o755)?;
    }
    let shown = place.display().to_string();
    let made = target.write(&path, 0o600, b"").and_then(|()| {
        system::program::run("fallocate", &["--length", &bytes.to_string(), &shown], None)?;
        system::program::run("mkswap", &[&shown], None)?;
        Ok(())
    });
    if made.is_err() {
        target.remove(&path)?;
    }
    made.map(|()| Some(path))
}

/// The machine's memory in bytes.
fn memory() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = text.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.map_or(1 << 30, |kib| kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::Line;

    #[test]
    fn partitions_fill_a_disk_or_leave_the_rest() {
        let table = [
            (&[100][..], &["[Partition]\nType=linux-generic\nWeight=100\n"][..]),
            (
                &[50, 25],
                &["[Partition]\nType=linux-generic\nWeight=50\n", "[Partition]\nType=linux-generic\nWeight=25\nPaddingWeight=25\n"],
            ),
        ];
        for (percents, expected) in table {
            let texts: Vec<String> = definitions(percents).into_iter().map(|(_, text)| text).collect();
            assert_eq!(texts, expected);
        }
    }

    #[test]
    fn partitions_have_the_kernel_s_names() {
        let folder = tempfile::tempdir().unwrap();
        let (disk, link) = (folder.path().join("sdb"), folder.path().join("virtio-data1"));
        std::fs::write(&disk, "").unwrap();
        std::os::unix::fs::symlink(&disk, &link).unwrap();
        assert_eq!(partition_of(&kernel_name(link.to_str().unwrap()), "2"), format!("{}2", disk.canonicalize().unwrap().display()));
        assert_eq!(partition_of(&kernel_name("/dev/none/nvme0n1"), "2"), "/dev/none/nvme0n1p2");
    }

    #[test]
    fn a_missing_program_is_named_with_its_package() {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::prepare(folder.path()).unwrap();
        let said = |kind: &str| maker(kind, &target).map_err(|error| error.to_string());
        let missing = "no program here makes the file system `xfs`: the image must contain the package `xfsprogs`";
        assert_eq!(said("xfs"), Err(missing.to_owned()));
        assert_eq!(said("zfs"), Err("no program here makes the file system `zfs`".to_owned()));
        target.write("/usr/sbin/mkfs.xfs", 0o755, b"").unwrap();
        assert_eq!(said("xfs"), Ok(("mkfs.xfs".to_owned(), "-L")));
    }

    #[test]
    fn a_file_system_that_has_its_name_already_is_not_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::prepare(folder.path()).unwrap();
        let setup = |label: &str| FsSetup {
            device: Line("/dev/nowhere".into()),
            filesystem: Line("ext4".into()),
            label: Some(Line(label.into())),
            partition: None,
            extra_opts: Words::default(),
            overwrite: false,
        };
        target.symlink("/dev/disk/by-label/data", "../../sdc").unwrap();
        assert!(file_system(&setup("data"), &target).is_ok());
        assert!(file_system(&setup("other"), &target).is_err());
        assert!(file_system(&FsSetup { overwrite: true, ..setup("data") }, &target).is_err());
    }

    #[test]
    fn mounts_become_lines() {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::prepare(folder.path()).unwrap();
        let mount =
            |fields: &[&str]| Mount(fields.iter().map(|field| Some((*field).to_owned()).filter(|field| !field.is_empty())).collect());
        let table = [
            (mount(&["sdb1", "/data"]), Some("/dev/sdb1 /data auto defaults,nofail 0 2")),
            (mount(&["LABEL=a b", "/x y", "ext4", "ro", "0", "0"]), Some("LABEL=a\\040b /x\\040y ext4 ro 0 0")),
            (mount(&["/swap.img", "none", "swap", "sw", "0", "0"]), Some("/swap.img none swap sw 0 0")),
            (mount(&["nas:/srv", "/srv", "nfs"]), Some("nas:/srv /srv nfs defaults,nofail 0 2")),
            (mount(&["ephemeral0", ""]), None),
        ];
        for (mount, expected) in &table {
            assert_eq!(line(mount, None, &target).unwrap().as_deref(), *expected, "{mount:?}");
        }
        assert_eq!(
            line(&mount(&["sdb1", "/data"]), Some(&mount(&["", "", "xfs"])), &target).unwrap().unwrap(),
            "/dev/sdb1 /data xfs defaults,nofail 0 2"
        );
        assert!(target.root().join("data").is_dir());
    }
}
