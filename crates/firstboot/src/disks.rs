//! Disks that a platform writes documents onto. They are waited for only while one may still appear: while udev has something to do, and one of
//! those things is a disk or what disks hang on.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use system::program;

/// Where a disk is mounted.
const AT: &str = "/run/kaon/cidata";

/// Names of file systems, as udev writes them into its links.
pub(super) type Labels = &'static [&'static str];

/// cloud-init's NoCloud.
pub(super) const CIDATA: Labels = &["cidata", "CIDATA"];

/// OpenStack's config drive: an ISO, or FAT.
pub(super) const CONFIG_DRIVE: Labels = &["config-2", "CONFIG-2"];

/// The ISO transport of an OVF environment (DSP0243, 9.2), as vSphere and others call it.
pub(super) const OVF_ENVIRONMENT: Labels = &["OVF\\x20ENV", "OVF-TRANSPORT", "ovf-transport"];

/// Nothing is waited for longer: a disk that is there is found by then on the slowest machine, and one that is not is not waited for.
const LONGEST: Duration = Duration::from_secs(60);

const PAUSE: Duration = Duration::from_millis(50);

/// Block devices that contain no file system of anybody's, or are made of other ones.
const NO_DISKS: [&str; 7] = ["dm-", "loop", "md", "nbd", "ram", "zd", "zram"];

/// A disk called so, if it is there.
fn find(labels: Labels) -> Option<PathBuf> {
    labels.iter().map(|label| Path::new("/dev/disk/by-label").join(label)).find(|path| path.exists())
}

fn is_there() -> bool {
    [CIDATA, CONFIG_DRIVE, OVF_ENVIRONMENT].into_iter().any(|labels| find(labels).is_some())
}

/// Waits for a disk, no longer than it may still appear.
pub(super) fn wait() {
    let deadline = Instant::now() + LONGEST;
    // Whatever the kernel has told of until now is in udev's hands when it answers.
    if is_there() || program::run("udevadm", &["control", "--ping", "--timeout=30"], None).is_err() {
        return;
    }
    while !is_there() && may_appear(Path::new("/sys"), Path::new("/run/udev")) && Instant::now() < deadline {
        thread::sleep(PAUSE);
    }
}

/// Mounts the first disk with one of these labels and returns what `read` returns for its directory; `None` if there is no such disk, or it
/// cannot be mounted.
pub(super) fn with_disk<T>(labels: Labels, read: impl FnOnce(&Path) -> T) -> Option<T> {
    let device = find(labels)?;
    let device = device.to_str()?;
    fs::create_dir_all(AT).ok()?;
    program::run("mount", &["-o", "ro,nodev,nosuid,noexec", device, AT], None).ok()?;
    let result = read(Path::new(AT));
    let _ = program::run("umount", &[AT], None);
    Some(result)
}

/// Whether udev is still at work, and a disk may come of it.
fn may_appear(sys: &Path, udev: &Path) -> bool {
    // The file is there as long as udev has something to do (`udevadm settle` looks for it, too).
    udev.join("queue").exists() && (has_new_disk(sys, udev) || has_new_controller(sys, udev) || has_new_device(sys))
}

/// Whether udev has not looked at a disk or partition yet.
fn has_new_disk(sys: &Path, udev: &Path) -> bool {
    let folder = sys.join("class/block");
    entries(&folder).into_iter().filter(|name| !NO_DISKS.iter().any(|kind| name.starts_with(kind))).any(|name| {
        let number = text(&folder.join(name).join("dev"));
        !number.is_empty() && !udev.join("data").join(format!("b{number}")).exists()
    })
}

/// Whether a controller of disks has no driver yet, or one that was only just loaded: udev's work on the controller ends when the driver
/// has found its disks. Drivers that are part of the kernel found theirs before anything was started.
fn has_new_controller(sys: &Path, udev: &Path) -> bool {
    let folder = sys.join("bus/pci/devices");
    entries(&folder).into_iter().any(|name| {
        let device = folder.join(&name);
        // PCI's class 1: mass storage.
        let is_storage = text(&device.join("class")).starts_with("0x01");
        let is_loaded = device.join("driver/module/initstate").exists();
        let is_done = device.join("driver").exists() && (!is_loaded || udev.join("data").join(format!("+pci:{name}")).exists());
        is_storage && !is_done
    })
}

/// Whether a disk or disc, found by a controller's driver, has no driver of its own yet.
fn has_new_device(sys: &Path) -> bool {
    let without_driver = |bus: &str, file: &str, kinds: &[&str]| {
        let folder = sys.join("bus").join(bus).join("devices");
        entries(&folder).into_iter().any(|name| {
            let device = folder.join(name);
            kinds.contains(&text(&device.join(file)).as_str()) && !device.join("driver").exists()
        })
    };
    // virtio's kinds 2 and 8 are block devices and SCSI controllers (VIRTIO 1.2, 5); SCSI's types 0 and 5 disks and discs (SPC-5).
    without_driver("virtio", "device", &["0x0002", "0x0008"]) || without_driver("scsi", "type", &["0", "5"])
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default()
}

fn entries(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Files<'a> = &'a [(&'a str, &'a str)];

    /// Files below `sys/` and `udev/`; those that end in a slash are directories.
    fn may(files: Files<'_>) -> bool {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            if path.to_str().unwrap().ends_with('/') {
                fs::create_dir_all(&path).unwrap();
            } else {
                fs::write(&path, text).unwrap();
            }
        }
        may_appear(&folder.path().join("sys"), &folder.path().join("udev"))
    }

    #[test]
    fn only_disks_are_waited_for() {
        const QUEUE: (&str, &str) = ("udev/queue", "");
        const CONTROLLER: (&str, &str) = ("sys/bus/pci/devices/0000:00:1f.2/class", "0x010601\n");
        const BUILT_IN: (&str, &str) = ("sys/bus/pci/devices/0000:00:1f.2/driver/bind", "");
        const LOADED: (&str, &str) = ("sys/bus/pci/devices/0000:00:1f.2/driver/module/initstate", "live\n");
        const LOOKED_AT: (&str, &str) = ("udev/data/+pci:0000:00:1f.2", "");
        const DISK: (&str, &str) = ("sys/class/block/sr0/dev", "11:0\n");
        const TYPE: (&str, &str) = ("sys/bus/scsi/devices/0:0:0:0/type", "5\n");
        let table: [(Files<'_>, bool); 15] = [
            (&[QUEUE], false),
            (&[QUEUE, ("sys/bus/pci/devices/0000:00:02.0/class", "0x030000\n")], false),
            (&[QUEUE, CONTROLLER], true),
            (&[CONTROLLER], false),
            (&[QUEUE, CONTROLLER, BUILT_IN], false),
            (&[QUEUE, CONTROLLER, LOADED], true),
            (&[QUEUE, CONTROLLER, LOADED, LOOKED_AT], false),
            (&[QUEUE, DISK], true),
            (&[QUEUE, DISK, ("udev/data/b11:0", "")], false),
            (&[QUEUE, ("sys/class/block/loop0/dev", "7:0\n")], false),
            (&[QUEUE, TYPE], true),
            (&[QUEUE, TYPE, ("sys/bus/scsi/devices/0:0:0:0/driver/", "")], false),
            (&[QUEUE, ("sys/bus/scsi/devices/0:0:0:0/type", "3\n")], false),
            (&[QUEUE, ("sys/bus/virtio/devices/virtio0/device", "0x0002\n")], true),
            (&[QUEUE, ("sys/bus/virtio/devices/virtio0/device", "0x0001\n")], false),
        ];
        for (files, expected) in table {
            assert_eq!(may(files), expected, "{files:?}");
        }
    }
}
