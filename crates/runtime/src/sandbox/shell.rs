//! A shell in the sandbox of a failed build.

use std::borrow::Cow;
use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd as _;
use std::process::Stdio;

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::unistd::{getpgrp, tcsetpgrp};

use super::BUILD_DIR;
use super::error::SandboxError;
use super::job::{End, Job, Step, StepsEnded};
use super::launch::Launcher;
use crate::cancel::Cancel;

impl Launcher {
    /// Opens `bash -i` on the user's terminal in the sandbox of `job`, in the directory of its last step, and returns how the
    /// shell ended. None of the job's own steps is run.
    ///
    /// # Errors
    /// When the sandbox cannot be made or has no bash.
    pub fn shell(&self, job: &Job) -> Result<End, SandboxError> {
        self.command(job, vec!["bash".into(), "-i".into()])
    }

    /// Runs one command as [`Launcher::shell`] runs bash: on the user's terminal, its output on standard error.
    ///
    /// # Errors
    /// When the sandbox cannot be made or has no such program.
    pub fn command(&self, job: &Job, argv: Vec<String>) -> Result<End, SandboxError> {
        let cwd = job.steps.last().map_or_else(|| BUILD_DIR.to_owned(), |step| step.cwd.clone());
        let step = Step { phase: "shell".into(), argv, cwd };
        let mut env = job.env.clone();
        for name in ["TERM", "COLORTERM"] {
            if let Ok(value) = std::env::var(name) {
                env.insert(name.into(), value);
            }
        }
        let job = Job { steps: vec![step], env, ..job.clone() };
        let worker = self.start(&self.order(Cow::Owned(job), true), None, Stdio::inherit())?;
        let ended = worker.follow(&Cancel::new(), &|_| {});
        take_terminal_back();
        Ok(match ended?.status {
            StepsEnded::Done => End::Code(0),
            StepsEnded::Failed { end, .. } => end,
        })
    }
}

/// Makes this process group the terminal's foreground group again: the shell cannot, because this group is not visible in its process
/// namespace.
fn take_terminal_back() {
    let terminal = io::stdin();
    if !terminal.is_terminal() {
        return;
    }
    let ignore = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
    // SAFETY: both dispositions are constants, not functions.
    let Ok(before) = (unsafe { sigaction(Signal::SIGTTOU, &ignore) }) else { return };
    let _ = tcsetpgrp(terminal.as_fd(), getpgrp());
    // SAFETY: as above; this restores the previous disposition.
    let _ = unsafe { sigaction(Signal::SIGTTOU, &before) };
}
