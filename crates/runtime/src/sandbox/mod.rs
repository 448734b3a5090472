//! The sandbox of builds and file triggers.
//!
//! A [`Job`] names everything a build may see: layers, inputs, environment, steps. [`run`] starts this same program again as `xtask worker
//! --job FILE`; the worker creates the namespaces and the root, runs the steps as process 1's children and reports on its standard output,
//! one JSON object per line. The steps' own output goes to its standard error. A remote execution service can run the same command with the
//! same file.
//!
//! Nothing here needs privileges: the namespaces belong to a new user namespace, for root as for everybody else.

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

/// The path of [`Job::build_dir`] in the sandbox.
pub const BUILD_DIR: &str = "/build";

/// Runs `job` with this program as the worker. See [`Launcher::run`].
///
/// # Errors
/// As for [`Launcher::run`].
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
/// As for [`Launcher::shell`].
pub fn shell(job: &Job) -> Result<End, SandboxError> {
    Launcher::default().shell(job)
}

/// Runs one command in the sandbox of `job`. See [`Launcher::command`].
///
/// # Errors
/// As for [`Launcher::command`].
pub fn command(job: &Job, argv: Vec<String>) -> Result<End, SandboxError> {
    Launcher::default().command(job, argv)
}

/// Checks that this host can create sandboxes with their scratch directory in `folder`. See [`Launcher::probe`].
///
/// # Errors
/// As for [`Launcher::probe`].
pub fn probe(folder: &Path) -> Result<(), SandboxError> {
    Launcher::default().probe(folder)
}
