//! A disk while a system is installed on it.

use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use disk_layout::{BOOT_CODE_BYTES, Layout};
use nix::errno::Errno;

use super::table::Sink as _;
use super::{ApplyError, table};

/// How long somebody else may look at a disk.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is tried meanwhile.
const PAUSE: Duration = Duration::from_millis(100);

nix::ioctl_none!(reread, 0x12, 95);

/// A disk with a table that says that the installation is not finished. While it is held, udev does not look at it: udev would let the kernel
/// forget and find the partitions again at any moment (systemd, "Locking Block Device Access").
#[derive(Debug)]
pub(super) struct Disk {
    pub path: PathBuf,
    layout: Layout,
    file: File,
}

impl Disk {
    /// Writes the table; `is_file` where the disk is a file, whose partitions nobody needs to see.
    pub fn begin(path: &Path, layout: &Layout, is_file: bool) -> Result<Self, ApplyError> {
        let mut file = table::open(path)?;
        if !is_file {
            patiently(|| file.try_lock().map_err(std::io::Error::from)).map_err(ApplyError::io("lock", path))?;
        }
        table::begin(&mut file, layout, is_file).map_err(ApplyError::io("write", path))?;
        if !is_file {
            // SAFETY: the descriptor is open, and the call takes nothing else.
            let read = || unsafe { reread(file.as_raw_fd()) }.map(drop).map_err(std::io::Error::from);
            patiently(read).map_err(ApplyError::io("let the kernel read the partitions of", path))?;
        }
        Ok(Self { path: path.to_owned(), layout: layout.clone(), file })
    }

    /// Writes what is in no file system.
    pub fn put(&mut self, at_bytes: u64, bytes: &[u8]) -> Result<(), ApplyError> {
        self.file.put(at_bytes, bytes).and_then(|()| self.file.settle()).map_err(ApplyError::io("write", &self.path))
    }

    /// Writes the table of a disk that is finished.
    pub fn finish(&mut self, boot_code: &[u8; BOOT_CODE_BYTES]) -> Result<(), ApplyError> {
        table::finish(&mut self.file, &self.layout, boot_code).map_err(ApplyError::io("write", &self.path))
    }
}

/// Tries again while something else is at it.
fn patiently(mut act: impl FnMut() -> std::io::Result<()>) -> std::io::Result<()> {
    let start = Instant::now();
    loop {
        match act() {
            Err(error) if is_busy(&error) && start.elapsed() < PATIENCE => std::thread::sleep(PAUSE),
            other => return other,
        }
    }
}

fn is_busy(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::WouldBlock || error.raw_os_error() == Some(Errno::EBUSY as i32)
}
