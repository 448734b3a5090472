//! The system calls the standard library has no words for.
//!
//! Declared here rather than taken from a crate: the program is built offline in the SDK and needs nothing else.

use std::ffi::{CString, c_char, c_int, c_long, c_ulong, c_void};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, RawFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

mod c {
    use super::{c_char, c_int, c_long, c_ulong, c_void};

    #[repr(C)]
    pub struct PollFd {
        pub fd: c_int,
        pub events: i16,
        pub revents: i16,
    }

    unsafe extern "C" {
        pub fn mount(source: *const c_char, target: *const c_char, kind: *const c_char, flags: c_ulong, data: *const c_void) -> c_int;
        pub fn umount2(target: *const c_char, flags: c_int) -> c_int;
        pub fn ioctl(fd: c_int, request: c_ulong, ...) -> c_int;
        pub fn syscall(number: c_long, ...) -> c_long;
        pub fn poll(fds: *mut PollFd, count: c_ulong, timeout_ms: c_int) -> c_int;
        pub fn reboot(command: c_int) -> c_int;
        pub fn sync();
    }
}

/// Flags of mount(2), from `linux/mount.h`.
pub mod flag {
    use std::ffi::c_ulong;

    /// Read-only.
    pub const READ_ONLY: c_ulong = 1;
    /// Ignores setuid bits.
    pub const NO_SUID: c_ulong = 2;
    /// Ignores device nodes.
    pub const NO_DEV: c_ulong = 4;
    /// Runs no programs.
    pub const NO_EXEC: c_ulong = 8;
    /// Shows a directory at a second place.
    pub const BIND: c_ulong = 4096;
    /// Moves a mount.
    pub const MOVE: c_ulong = 8192;
}

/// How the machine ends, from `linux/reboot.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Power {
    /// Starts again.
    Restart = 0x0123_4567,
    /// Switches off.
    Off = 0x4321_fedc,
    /// Stops, and stays on.
    Halt = 0xcdef_0123_u32 as i32,
    /// Starts the kernel that was loaded for it.
    Kexec = 0x4558_4543,
}

const SYS_FINIT_MODULE: c_long = 313;
const MODULE_INIT_COMPRESSED_FILE: c_int = 4;
const UMOUNT_DETACH: c_int = 2;
const POLLIN: i16 = 1;
const EEXIST: i32 = 17;

fn text(value: &[u8]) -> io::Result<CString> {
    CString::new(value).map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a zero byte in a path or option"))
}

fn checked(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// mount(2).
///
/// # Errors
/// What the kernel says.
pub fn mount(source: &Path, target: &Path, kind: &str, flags: c_ulong, options: &str) -> io::Result<()> {
    let (source, target) = (text(source.as_os_str().as_bytes())?, text(target.as_os_str().as_bytes())?);
    let (kind, options) = (text(kind.as_bytes())?, text(options.as_bytes())?);
    // SAFETY: all four are strings that end with a zero byte and outlive the call.
    checked(unsafe { c::mount(source.as_ptr(), target.as_ptr(), kind.as_ptr(), flags, options.as_ptr().cast()) }).map(drop)
}

/// Takes a mount out of the tree; it ends when its last user does.
///
/// # Errors
/// What the kernel says.
pub fn unmount(target: &Path) -> io::Result<()> {
    let target = text(target.as_os_str().as_bytes())?;
    // SAFETY: a string that ends with a zero byte and outlives the call.
    checked(unsafe { c::umount2(target.as_ptr(), UMOUNT_DETACH) }).map(drop)
}

/// Loads a kernel module from an open file; one that is loaded already is no error.
///
/// # Errors
/// What the kernel says.
pub fn load_module(file: &File, compressed: bool) -> io::Result<()> {
    let flags = if compressed { MODULE_INIT_COMPRESSED_FILE } else { 0 };
    // SAFETY: the descriptor is open, the parameters an empty string that ends with a zero byte.
    let result = unsafe { c::syscall(SYS_FINIT_MODULE, file.as_raw_fd(), c"".as_ptr(), flags) };
    match if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) } {
        Err(error) if error.raw_os_error() == Some(EEXIST) => Ok(()),
        other => other,
    }
}

/// An ioctl(2) whose argument is an integer or nothing.
///
/// # Errors
/// What the kernel says.
pub fn ioctl_value(fd: RawFd, request: c_ulong, value: c_ulong) -> io::Result<c_int> {
    // SAFETY: the callers' requests read their argument as an integer.
    checked(unsafe { c::ioctl(fd, request, value) })
}

/// An ioctl(2) that reads the structure given.
///
/// # Errors
/// What the kernel says.
pub fn ioctl_read<T>(fd: RawFd, request: c_ulong, argument: &T) -> io::Result<()> {
    // SAFETY: the reference is valid for the whole call, and the callers pair each request with its structure.
    checked(unsafe { c::ioctl(fd, request, std::ptr::from_ref(argument)) }).map(drop)
}

/// Waits until one of the files can be read, and gives its position; `None` after `timeout_ms`.
///
/// # Errors
/// What the kernel says.
pub fn wait_readable(files: &[File], timeout_ms: c_int) -> io::Result<Option<usize>> {
    let mut waits: Vec<_> = files.iter().map(|file| c::PollFd { fd: file.as_raw_fd(), events: POLLIN, revents: 0 }).collect();
    // SAFETY: the vector holds as many entries as its length says.
    checked(unsafe { c::poll(waits.as_mut_ptr(), waits.len() as c_ulong, timeout_ms) })?;
    Ok(waits.iter().position(|wait| wait.revents & POLLIN != 0))
}

/// Ends the machine. Returns only where the kernel refuses.
pub fn power(how: Power) -> io::Error {
    // SAFETY: neither takes a pointer.
    unsafe {
        c::sync();
        c::reboot(how as c_int);
    }
    io::Error::last_os_error()
}
