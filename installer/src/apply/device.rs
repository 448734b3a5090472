//! Disks and partitions that are the kernel's devices.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use disk_layout::Layout;

use super::{ApplyError, filesystem, program, table};
use crate::kickstart::FileSystem;
use crate::plan::Place;

/// How long a device may take to appear.
const PATIENCE: Duration = Duration::from_secs(15);

/// How often it is looked for.
const PAUSE: Duration = Duration::from_millis(200);

/// Writes a partition table and lets the kernel read it.
pub(super) fn partition(device: &Path, layout: &Layout) -> Result<(), ApplyError> {
    table::write(&mut table::open(device)?, layout).map_err(ApplyError::io("write", device))?;
    let name = device.display().to_string();
    let start = Instant::now();
    loop {
        settle()?;
        match program::run("blockdev", &["--rereadpt", &name], None) {
            // Whoever still looks at the old partitions keeps the kernel from forgetting them.
            Err(_) if start.elapsed() < PATIENCE => std::thread::sleep(PAUSE),
            Err(error) => return Err(error.into()),
            Ok(_) => return settle(),
        }
    }
}

/// Waits until udev has looked at everything. Where there is none, devices appear by themselves.
fn settle() -> Result<(), ApplyError> {
    if crate::machine::find_program("udevadm").is_some() {
        program::run("udevadm", &["settle", "--timeout=15"], None)?;
    }
    Ok(())
}

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
