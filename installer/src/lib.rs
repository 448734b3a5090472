//! Puts Kaon onto machines.
//!
//! ```text
//! kickstart file ─► Kickstart ─┐
//! screens ────────► Kickstart ─┼─► Plan (ordered steps) ─► apply
//! the machine ────► Facts ─────┘
//! ```
//!
//! Reading and planning are pure: nothing is touched before a plan is confirmed, and the plan is what is done.

pub mod apply;
pub mod command;
pub mod live;
pub mod machine;
pub mod plan;
pub mod ui;

use std::ffi::OsString;
use std::process::ExitCode;

use nix::sys::stat::{Mode, umask};

/// Runs `kaon-installer`.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    // Who installs decides nothing about the modes of an installed system.
    umask(Mode::from_bits_truncate(0o022));
    command::main(arguments)
}
