//! `kaon-firstboot`

use std::process::ExitCode;

use nix::sys::stat::{Mode, umask};

fn main() -> ExitCode {
    // Who installs decides nothing about the modes of an installed system.
    umask(Mode::from_bits_truncate(0o022));
    firstboot::main(std::env::args_os())
}
