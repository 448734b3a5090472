//! The program, before its command line is read.

use std::ffi::OsString;
use std::process::ExitCode;

use nix::sys::stat::{Mode, umask};

/// A block larger than this goes back to the system as soon as it is free.
const LARGE_BLOCK_BYTES: nix::libc::c_int = 128 << 10;

/// Runs `tdnf`, or `tdnf-automatic` if it is called so. No other thread may run yet.
pub fn main(arguments: Vec<OsString>) -> ExitCode {
    // Most of what is needed in memory is needed once and in large blocks. By itself the C library would keep what was freed, for each thread.
    // SAFETY: no other thread runs yet.
    unsafe {
        nix::libc::mallopt(nix::libc::M_ARENA_MAX, 1);
        nix::libc::mallopt(nix::libc::M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES);
        nix::libc::mallopt(nix::libc::M_TRIM_THRESHOLD, LARGE_BLOCK_BYTES);
    }
    // As RPM has it: whoever may read what is installed, and what its scripts make, does not depend on who installs it.
    umask(Mode::from_bits_truncate(0o022));
    let is_automatic = arguments.first().is_some_and(|name| name.to_string_lossy().ends_with("tdnf-automatic"));
    ExitCode::from(if is_automatic { crate::automatic::run(arguments) } else { crate::cli::run(arguments) })
}
