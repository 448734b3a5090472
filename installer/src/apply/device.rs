//! Partitions that are the kernel's devices.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{ApplyError, filesystem, mount, program};
use crate::plan::Place;
use kickstart::FileSystem;

/// How long a device may take to appear.
const PATIENCE: Duration = Duration::from_secs(60);

/// The device of a partition, once the kernel shows it.
pub(super) fn of(place: &Place) -> Result<PathBuf, ApplyError> {
    let device = PathBuf::from(place.device());
    let start = Instant::now();
    while !device.exists() {
        if start.elapsed() > PATIENCE {
            return Err(ApplyError::NoDevice { path: device, seconds: PATIENCE.as_secs() });
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(device)
}

/// Makes a file system.
pub(super) fn make(place: &Place, filesystem: FileSystem, label: &str, uuid: &str, options: &[String]) -> Result<(), ApplyError> {
    let mut words = filesystem::words(filesystem, place.size_bytes, label, uuid, "");
    words.extend(options.iter().cloned());
    words.push(of(place)?.display().to_string());
    program::run(filesystem.program(), &words, None)?;
    Ok(())
}

/// Where a file system is mounted while subvolumes are made in it.
const INSIDE: &str = "/run/kaon/subvolumes";

/// Makes subvolumes in a Btrfs file system, in this order.
pub(super) fn make_subvolumes(place: &Place, paths: &[String]) -> Result<(), ApplyError> {
    let inside = Path::new(INSIDE);
    fs::create_dir_all(inside).map_err(ApplyError::io("make", inside))?;
    mount::mount(&of(place)?, inside, FileSystem::Btrfs.name(), &[])?;
    let make = |path: &String| program::run("btrfs", &["subvolume", "create", &inside.join(path).display().to_string()], None);
    let made = paths.iter().try_for_each(|path| make(path).map(drop));
    mount::unmount(inside)?;
    Ok(made?)
}
