//! A file as a read-only block device.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};

use crate::sys;

const LOOP_CTL_GET_FREE: u64 = 0x4C82;
const LOOP_CONFIGURE: u64 = 0x4C0A;
const FLAG_READ_ONLY: u32 = 1;
/// The device lets go of its file when its last user does.
const FLAG_AUTO_CLEAR: u32 = 4;

/// `struct loop_config` of `linux/loop.h`; the fields left unnamed stay zero.
#[repr(C)]
struct LoopConfig {
    fd: u32,
    block_size: u32,
    info_head: [u64; 5],
    info_offset_to_key_size: [u32; 4],
    info_names: [u8; 64 + 64 + 32],
    info_init: [u64; 2],
    reserved: [u64; 8],
}

const _: () = assert!(size_of::<LoopConfig>() == 8 + 232 + 64);

/// The device now showing `file`, and the open device that keeps it until something is mounted on it.
///
/// # Errors
/// When the file cannot be opened, or the kernel gives no loop device.
pub fn attach(file: &Path) -> io::Result<(PathBuf, File)> {
    let backing = File::open(file)?;
    let control = OpenOptions::new().read(true).write(true).open("/dev/loop-control")?;
    let number = sys::ioctl_value(control.as_raw_fd(), LOOP_CTL_GET_FREE, 0)?;
    let path = PathBuf::from(format!("/dev/loop{number}"));
    let device = File::open(&path)?;
    let config = LoopConfig {
        fd: backing.as_raw_fd().unsigned_abs(),
        block_size: 0,
        info_head: [0; 5],
        // offset, encryption type, key size, flags: `lo_flags` is the last of four 32-bit fields after five 64-bit ones.
        info_offset_to_key_size: [0, 0, 0, FLAG_READ_ONLY | FLAG_AUTO_CLEAR],
        info_names: [0; 160],
        info_init: [0; 2],
        reserved: [0; 8],
    };
    sys::ioctl_read(device.as_raw_fd(), LOOP_CONFIGURE, &config)?;
    Ok((path, device))
}
