//! `tdnf`: the package manager's command line; called as `tdnf-automatic`, updates without anybody asking.

use std::env::args_os;
use std::ffi::OsString;
use std::process::ExitCode;

use nix::sys::stat::{Mode, umask};

/// A block larger than this goes back to the system as soon as it is free.
const LARGE_BLOCK_BYTES: nix::libc::c_int = 128 << 10;

fn main() -> ExitCode {
    // Most of what is needed in memory is needed once and in large blocks. By itself the C library would keep what was freed, for each thread.
    // SAFETY: no other thread runs yet.
    unsafe {
        nix::libc::mallopt(nix::libc::M_ARENA_MAX, 1);
        nix::libc::mallopt(nix::libc::M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES);
        nix::libc::mallopt(nix::libc::M_TRIM_THRESHOLD, LARGE_BLOCK_BYTES);
    }
    // As RPM has it: whoever may read what is installed, and what its scripts make, does not depend on who installs it.
    umask(Mode::from_bits_truncate(0o022));
    let arguments: Vec<OsString> = args_os().collect();
    let is_automatic = arguments.first().is_some_and(|name| name.to_string_lossy().ends_with("tdnf-automatic"));
    ExitCode::from(if is_automatic { tdnf::automatic::run(arguments) } else { tdnf::cli::run(arguments) })
}
