//! The sandbox every build and every file trigger runs in.
//!
//! A [`Job`] names all a build may see: layers, inputs, environment, steps. [`run`] starts this same program again as
//! `xtask worker --job FILE`; the worker makes the namespaces and the root, runs the steps as process 1's children and
//! tells how they went, one JSON object a line on its standard output, the steps' own output on its standard error. A
//! remote execution service runs the same command with the same file.
//!
//! Nothing here needs privileges: the namespaces hang off a user namespace of their own, for root as for anybody.

mod error;
mod isolation;
mod job;
mod launch;
mod log;
mod message;
mod probe;
mod shell;
mod worker;

use std::path::Path;

pub use error::{HostLack, SandboxError};
pub use isolation::{Isolation, Weakness, report_weakness};
pub use job::{End, Input, Job, Outcome, Root, Step, StepsEnded};
pub use launch::Launcher;
pub use probe::check_programs;
pub use worker::worker_main;

use crate::cancel::Cancel;

/// The sandbox's host name.
pub const HOST_NAME: &str = "kaon";

/// Where [`Job::build_dir`] appears.
pub const BUILD_DIR: &str = "/build";

/// Runs `job` with this program as the worker. See [`Launcher::run`].
///
/// # Errors
/// As [`Launcher::run`].
pub fn run(
    job: &Job,
    jobserver: Option<&jobserver::Client>,
    log: &Path,
    cancel: &Cancel,
    on_phase: &(dyn Fn(&str) + Sync),
) -> Result<Outcome, SandboxError> {
    Launcher::default().run(job, jobserver, log, cancel, on_phase)
}

/// Opens an interactive shell in the sandbox of `job`. See [`Launcher::shell`].
///
/// # Errors
/// As [`Launcher::shell`].
pub fn shell(job: &Job) -> Result<End, SandboxError> {
    Launcher::default().shell(job)
}

/// Runs one command in the sandbox of `job`. See [`Launcher::command`].
///
/// # Errors
/// As [`Launcher::command`].
pub fn command(job: &Job, argv: Vec<String>) -> Result<End, SandboxError> {
    Launcher::default().command(job, argv)
}

/// Whether this host can make sandboxes with their scratch in `folder`. See [`Launcher::probe`].
///
/// # Errors
/// As [`Launcher::probe`].
pub fn probe(folder: &Path) -> Result<(), SandboxError> {
    Launcher::default().probe(folder)
}
