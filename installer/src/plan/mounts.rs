//! File systems and what is in them, where they are mounted, the lines of fstab(5), and the boot loader that follows from them.

use disk_layout::Purpose;

use super::disks::{Disks, Made};
use super::{Place, Request, Step, guid};
use kickstart::{Btrfs, FileSystem, Partition};

/// Where the boot loader's menu is, where that is a partition of its own.
const BOOT_MOUNT: &str = "/boot";

/// The options of a partition, as words.
#[derive(Default)]
struct Options {
    mkfs: Vec<String>,
    mount: Vec<String>,
}

/// What is collected on the way, by the paths where it is mounted.
#[derive(Default)]
struct Mounts {
    steps: Vec<(String, Step)>,
    lines: Vec<(String, String)>,
}

/// Adds the steps that make and mount file systems, the lines of fstab, and the step that makes the disk start.
pub(super) fn file_systems(request: &Request<'_>, made: &[Made<'_>], disks: &mut Disks) {
    let mut mounts = Mounts::default();
    for made in made {
        let Some(filesystem) = made.part.filesystem else { continue };
        let options = made.part.given.map_or_else(Options::default, |(_, partition)| options(partition));
        disks.steps.extend(make(request, made, filesystem, &options));
        mounts.add(made, filesystem, options.mount);
    }
    // A path sorts after the one it is in.
    mounts.steps.sort_by(|(a, _), (b, _)| a.cmp(b));
    mounts.lines.sort();
    disks.steps.extend(mounts.steps.into_iter().map(|(_, step)| step));
    disks.fstab = mounts.lines.into_iter().map(|(_, line)| line).collect();
    boot_loader(made, disks);
}

fn options(partition: &Partition) -> Options {
    let words = |text: &Option<String>, at: &dyn Fn(char) -> bool| -> Vec<String> {
        text.iter().flat_map(|text| text.split(at)).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    Options { mkfs: words(&partition.mkfs_options, &char::is_whitespace), mount: words(&partition.fs_options, &|letter| letter == ',') }
}

/// Making a file system, and what is in it from the start.
fn make(request: &Request<'_>, made: &Made<'_>, filesystem: FileSystem, options: &Options) -> Vec<Step> {
    let btrfs = made.btrfs();
    let label = match btrfs.and_then(|btrfs| btrfs.label.clone()) {
        Some(label) => label,
        None if made.part.wish.purpose == Purpose::Root => "kaon".to_owned(),
        None => made.part.wish.label.clone(),
    };
    let uuid = guid(&request.seed, &format!("file system {}", made.partuuid)).to_string();
    let (partition, options) = (made.place.clone(), options.mkfs.clone());
    let mut steps = vec![Step::MakeFileSystem { partition: partition.clone(), filesystem, label, uuid, options }];
    let paths: Vec<String> = btrfs.map(Btrfs::all).unwrap_or_default().into_iter().map(|placed| placed.path).collect();
    if !paths.is_empty() {
        steps.push(Step::MakeSubvolumes { partition, paths });
    }
    steps
}

impl Made<'_> {
    fn btrfs(&self) -> Option<&Btrfs> {
        self.part.given.and_then(|(_, partition)| partition.btrfs.as_ref())
    }
}

impl Mounts {
    fn add(&mut self, made: &Made<'_>, filesystem: FileSystem, options: Vec<String>) {
        match (filesystem, made.part.mountpoint) {
            (FileSystem::Swap, _) => {
                let line = format!("PARTUUID={} none swap {} 0 0\n", made.partuuid, joined(filesystem, &options));
                self.lines.push((String::new(), line));
            }
            (FileSystem::Ext4 | FileSystem::Xfs | FileSystem::Btrfs | FileSystem::Vfat, Some(at)) => {
                self.mount(made, at, filesystem, options.clone());
            }
            (FileSystem::Ext4 | FileSystem::Xfs | FileSystem::Btrfs | FileSystem::Vfat, None) => {}
        }
        for placed in made.btrfs().map(Btrfs::all).unwrap_or_default() {
            if let Some(at) = &placed.subvolume.mountpoint {
                let own = options.iter().cloned().chain([format!("subvol={}", placed.path)]);
                self.mount(made, at, filesystem, own.collect());
            }
        }
    }

    fn mount(&mut self, made: &Made<'_>, at: &str, filesystem: FileSystem, options: Vec<String>) {
        let pass = if at == "/" { 1 } else { 2 };
        let (name, joined) = (filesystem.name(), joined(filesystem, &options));
        self.lines.push((at.to_owned(), format!("PARTUUID={} {at} {name} {joined} 0 {pass}\n", made.partuuid)));
        self.steps.push((at.to_owned(), Step::Mount { partition: made.place.clone(), at: at.to_owned(), filesystem, options }));
    }
}

fn joined(filesystem: FileSystem, options: &[String]) -> String {
    match filesystem {
        _ if !options.is_empty() => options.join(","),
        FileSystem::Vfat => "umask=0077".to_owned(),
        FileSystem::Ext4 | FileSystem::Xfs | FileSystem::Btrfs | FileSystem::Swap => "defaults".to_owned(),
    }
}

fn boot_loader(made: &[Made<'_>], disks: &mut Disks) {
    let find = |purpose| made.iter().find(|made| made.part.wish.purpose == purpose).map(|made| made.place.clone());
    let boot: Option<Place> = made.iter().find(|made| made.part.mountpoint == Some(BOOT_MOUNT)).map(|made| made.place.clone());
    let Some(root) = find(Purpose::Root) else { return };
    disks.root_behind_boot = boot.as_ref().map(|_| root.number);
    let menu = boot.map_or(root.number, |boot| boot.number);
    disks.boot = Step::BootLoader { disk: root.disk, root: menu, bios: find(Purpose::BiosBoot), efi: find(Purpose::Esp) };
}
