//! A server's workers, and this machine for what they cannot run.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Fallback, Remote};
use crate::Builder;
use crate::executor::{Built, Executor, Job, Permit, Scope, Unbuilt};
use base::name::PackageName;
use runtime::store::StoreError;

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

    /// Whether a build is one for this machine from the start.
    fn runs_here(&self, spec: &PackageName) -> bool {
        // Keys do not leave this machine, and what is left to do with them takes seconds.
        let needs_key = self.builder.kernels.needs_key(spec);
        needs_key || self.fallback == Fallback::ThisMachine && self.failed.load(Ordering::Relaxed) >= ENOUGH
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
    fn permit(&self, spec: &PackageName) -> Result<Permit, StoreError> {
        if self.runs_here(spec) { self.local.permit(spec) } else { self.remote.permit(spec) }
    }

    fn execute(&self, job: &Job<'_>, log: &Path, permit: Permit) -> Result<Built, Unbuilt> {
        let spec = &job.folder.spec.name;
        if self.runs_here(spec) {
            return self.local.execute(job, log, permit);
        }
        match self.remote.execute(job, log, permit) {
            Err(Unbuilt::Unavailable { scope, source }) if self.fallback == Fallback::ThisMachine => {
                if !self.builder.cancel.is_raised() {
                    self.count(spec.as_str(), scope, &text::with_causes(&*source));
                }
                self.local.execute(job, log, Permit::default())
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
