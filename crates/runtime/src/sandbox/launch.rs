//! Starts the worker, reads its messages, and ends it.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, RawFd};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpid, getppid, setsid};

use super::error::SandboxError;
use super::isolation::Isolation;
use super::job::{Job, Outcome, Root, StepsEnded};
use super::log::writer_of;
use super::message::{Message, Order};
use crate::cancel::Cancel;
use crate::disk_space;
use crate::nameless;

/// How often to check for a request to stop, in milliseconds.
const CANCEL_CHECK_MS: u16 = 100;

/// If less space than this is left on the disk, in bytes, a failed step is attributed to the full disk.
const ROOM_LEFT_BYTES: u64 = 1 << 20;

/// Starts sandboxes, with a given program as the worker.
#[derive(Clone, Debug)]
pub struct Launcher {
    worker: PathBuf,
    isolation: Isolation,
}

impl Default for Launcher {
    /// The worker is this program, even if its file was replaced since it started. Sandboxes have the selected isolation.
    fn default() -> Self {
        Self::new("/proc/self/exe").isolated(Isolation::selected())
    }
}

impl Launcher {
    /// `worker` is started as `worker --job FILE` and must call [`super::worker_main`].
    pub fn new(worker: impl Into<PathBuf>) -> Self {
        Self { worker: worker.into(), isolation: Isolation::default() }
    }

    /// Uses this isolation for sandboxes.
    #[must_use]
    pub fn isolated(self, isolation: Isolation) -> Self {
        Self { isolation, ..self }
    }

    /// The order to the worker for `job`; `terminal` as in [`Order::terminal`].
    pub(super) fn order<'a>(&self, job: Cow<'a, Job>, terminal: bool) -> Order<'a> {
        Order { job, terminal, isolation: self.isolation }
    }

    /// Runs `job` to its end. Its output is written to `log`; `on_phase` is called when a phase begins. Steps get tokens from `jobserver`;
    /// the token of the job itself is the caller's responsibility.
    ///
    /// All processes of the job end with this thread, however it ends.
    ///
    /// # Errors
    /// When the steps could not be run. A step that fails is an [`Outcome`], not an error, unless it filled the disk.
    pub fn run(
        &self,
        job: &Job,
        jobserver: Option<&jobserver::Client>,
        log: &Path,
        cancel: &Cancel,
        on_phase: &(dyn Fn(&str) + Sync),
    ) -> Result<Outcome, SandboxError> {
        let failed = |source| SandboxError::Log { path: log.to_owned(), source };
        let order = self.order(Cow::Borrowed(job), false);
        let (writer, said) = writer_of(log).map_err(failed)?;
        let outcome = self.start(&order, jobserver, said.into())?.follow(cancel, on_phase);
        writer.end().map_err(failed)?;
        let outcome = outcome?;
        match (&outcome.status, full_disk(job)) {
            (StepsEnded::Failed { .. }, Some(path)) => Err(SandboxError::full(path)),
            _ => Ok(outcome),
        }
    }

    /// Starts the worker. Its standard error, which includes the steps' output, goes to `output`.
    pub(super) fn start(&self, order: &Order<'_>, jobserver: Option<&jobserver::Client>, output: Stdio) -> Result<Worker, SandboxError> {
        let trouble = |operation| move |source| SandboxError::Worker { operation, source };
        let file = order_file(order).map_err(trouble("write the job for"))?;
        let job_fd = file.as_raw_fd();
        let terminal = order.terminal;
        let mut command = Command::new(&self.worker);
        command.arg0("xtask").args(["worker", "--job", &format!("/proc/self/fd/{job_fd}")]).env_clear();
        command.stdin(if terminal { Stdio::inherit() } else { Stdio::null() }).stdout(Stdio::piped()).stderr(output);
        if let Some(jobserver) = jobserver {
            jobserver.configure_make(&mut command);
        }
        let parent = getpid();
        // SAFETY: what runs between fork and exec makes system calls only; it neither allocates nor takes a lock.
        unsafe { command.pre_exec(move || before_exec(job_fd, parent, terminal)) };
        let mut child = command.spawn().map_err(trouble("start"))?;
        let report = child.stdout.take().ok_or(Errno::EBADF).map_err(io::Error::from).map_err(trouble("listen to"))?;
        Ok(Worker { child, report, unread: Vec::new() })
    }
}

/// The order as a file in memory, so that it is never left behind and no directory for temporary files is needed.
fn order_file(order: &Order<'_>) -> io::Result<File> {
    let mut file = nameless::file("job")?;
    file.write_all(&serde_json::to_vec(order)?)?;
    Ok(file)
}

fn before_exec(job: RawFd, parent: Pid, terminal: bool) -> io::Result<()> {
    // SAFETY: the parent keeps the job's file open until the worker has been started.
    fcntl(unsafe { BorrowedFd::borrow_raw(job) }, FcntlArg::F_SETFD(FdFlag::empty()))?;
    set_pdeathsig(Signal::SIGKILL)?;
    // The parent may have ended before prctl took effect.
    if getppid() != parent {
        return Err(Errno::ESRCH.into());
    }
    if !terminal {
        setsid()?;
    }
    Ok(())
}

/// A running worker; dropping it ends all of its processes.
pub(super) struct Worker {
    child: Child,
    report: ChildStdout,
    unread: Vec<u8>,
}

impl Worker {
    /// Reads messages until the worker ends.
    pub(super) fn follow(mut self, cancel: &Cancel, on_phase: &(dyn Fn(&str) + Sync)) -> Result<Outcome, SandboxError> {
        let mut last = None;
        while let Some(message) = self.next(cancel)? {
            match message {
                Message::Phase(phase) => on_phase(&phase),
                other => last = Some(other),
            }
        }
        let status = self.child.wait().map_err(|source| SandboxError::Worker { operation: "wait for", source })?;
        match last {
            Some(Message::Ended(outcome)) => Ok(outcome),
            Some(Message::Refused(refusal)) => Err(refusal.into()),
            Some(Message::NotStarted { phase, program, errno }) => Err(match Errno::from_raw(errno) {
                Errno::ENOENT => SandboxError::NoProgram { phase, program },
                errno => SandboxError::NotStarted { phase, program, source: errno.into() },
            }),
            Some(Message::NoDirectory { phase, directory }) => Err(SandboxError::NoDirectory { phase, directory }),
            Some(Message::BadJob(message)) => Err(SandboxError::BadJob { message }),
            Some(Message::Phase(_)) | None => Err(SandboxError::Lost { status }),
        }
    }

    /// The next message; `None` at the end.
    fn next(&mut self, cancel: &Cancel) -> Result<Option<Message>, SandboxError> {
        let trouble = |source| SandboxError::Worker { operation: "listen to", source };
        loop {
            if let Some(end) = self.unread.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                return serde_json::from_slice(&line).map(Some).map_err(|error| trouble(error.into()));
            }
            if cancel.is_raised() {
                return Err(SandboxError::Cancelled);
            }
            let mut polled = [PollFd::new(self.report.as_fd(), PollFlags::POLLIN)];
            match poll(&mut polled, PollTimeout::from(CANCEL_CHECK_MS)) {
                Ok(0) | Err(Errno::EINTR) => continue,
                Ok(_) => {}
                Err(errno) => return Err(trouble(errno.into())),
            }
            let mut buffer = [0; 4096];
            match self.report.read(&mut buffer).map_err(trouble)? {
                0 => return Ok(None),
                count => self.unread.extend_from_slice(&buffer[..count]),
            }
        }
    }
}

impl Drop for Worker {
    /// On the signal, the worker kills process 1 of the sandbox, and so all its processes, and waits until they have ended.
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM);
            let _ = self.child.wait();
        }
    }
}

/// A directory that the job writes to and whose disk is full, if there is one.
fn full_disk(job: &Job) -> Option<PathBuf> {
    let root = match &job.root {
        Root::Overlay { upper, .. } => upper,
        Root::Directory(folder) => folder,
    };
    [Some(root), job.build_dir.as_ref()].into_iter().flatten().find(|folder| is_full(folder)).cloned()
}

fn is_full(folder: &Path) -> bool {
    nix::sys::statvfs::statvfs(folder).is_ok_and(|disk| {
        disk_space::inodes_left(&disk) == Some(0) || disk.blocks_available().saturating_mul(disk.fragment_size()) < ROOM_LEFT_BYTES
    })
}
