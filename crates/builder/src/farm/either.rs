//! A server's workers, and this machine for what they cannot run.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Fallback, Remote};
use crate::Builder;
use crate::executor::{Built, Executor, Job, Scope, Unbuilt};

/// The server is not asked any more after so many builds in a row that no worker could run.
const ENOUGH: usize = 3;

/// Runs jobs on a server's workers, and on this machine what they cannot run. A recipe that fails there is not tried here.
pub(crate) struct Either<'a> {
    builder: &'a Builder<'a>,
    remote: Remote<'a>,
    local: &'a dyn Executor,
    fallback: Fallback,
    /// Builds in a row that no worker could run.
    failed: AtomicUsize,
}

impl<'a> Either<'a> {
    pub(crate) fn new(builder: &'a Builder<'a>, remote: Remote<'a>, local: &'a dyn Executor, fallback: Fallback) -> Self {
        Self { builder, remote, local, fallback, failed: AtomicUsize::new(0) }
    }

    /// Counts a build that no worker could run, and says so once it has consequences.
    fn count(&self, spec: &str, scope: Scope, reason: &str) {
        let more = match scope {
            Scope::Job => 1,
            Scope::Everything => ENOUGH,
        };
        let before = self.failed.fetch_add(more, Ordering::Relaxed);
        let address = self.remote.address();
        if before >= ENOUGH {
            return;
        }
        let reporter = self.builder.reporter;
        if before + more >= ENOUGH {
            reporter.warn(format!("`{address}` is not used any more, all further builds run on this machine: {reason}"));
        } else {
            reporter.warn(format!("`{spec}` is built on this machine: {reason}"));
        }
    }
}

impl Executor for Either<'_> {
    fn execute(&self, job: &Job<'_>, log: &Path) -> Result<Built, Unbuilt> {
        let spec = &job.folder.spec.name;
        // Keys do not leave this machine, and what is left to do with them takes seconds.
        let is_here = self.builder.kernels.needs_key(spec);
        let is_given_up = self.fallback == Fallback::ThisMachine && self.failed.load(Ordering::Relaxed) >= ENOUGH;
        if is_here || is_given_up {
            return self.local.execute(job, log);
        }
        match self.remote.execute(job, log) {
            Err(Unbuilt::Unavailable { scope, source }) if self.fallback == Fallback::ThisMachine => {
                if !self.builder.cancel.is_raised() {
                    self.count(spec.as_str(), scope, &text::with_causes(&*source));
                }
                self.local.execute(job, log)
            }
            ended => {
                let restart = |failed: usize| (failed < ENOUGH).then_some(0);
                // If it fails, the server is not used any more.
                let _ = self.failed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, restart);
                ended
            }
        }
    }
}
