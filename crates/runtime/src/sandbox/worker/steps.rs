//! Runs the steps as process 1.

use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::super::job::{End, Outcome, Step, StepsEnded};
use super::super::message::{Message, Order};
use super::super::{Isolation, Weakness};
use super::confinement::Confinement;
use super::processes;
use super::report::Report;
use super::tokens::Settled;

/// The interval in which memory use is sampled, in milliseconds.
const SAMPLE_MS: u16 = 500;

/// Runs the steps of `order` until one fails. Returns the message to report and the worker's exit code.
pub(super) fn run_all(order: &Order<'_>, confinement: &Confinement, tokens: Option<&Settled>, report: &mut Report) -> (Message, u8) {
    let began = Instant::now();
    let mut watch = match Watch::new(order.isolation) {
        Ok(watch) => watch,
        Err(errno) => return (Message::BadJob(format!("cannot watch processes: {errno}")), 4),
    };
    keep_own_descriptors(tokens);
    let mut status = StepsEnded::Done;
    let mut phase = None;
    for step in &order.job.steps {
        if phase.replace(&step.phase) != Some(&step.phase) {
            report.send(&Message::Phase(step.phase.clone()));
        }
        match run_one(step, order, confinement, tokens, &mut watch) {
            Ok(End::Code(0)) => {}
            Ok(end) => {
                status = StepsEnded::Failed { phase: step.phase.clone(), end };
                break;
            }
            Err(message) => return (message, 4),
        }
    }
    let code = u8::from(status != StepsEnded::Done);
    (Message::Ended(watch.outcome(status, began, confinement.weakness())), code)
}

fn run_one(step: &Step, order: &Order<'_>, confinement: &Confinement, tokens: Option<&Settled>, watch: &mut Watch) -> Result<End, Message> {
    let Some((program, arguments)) = step.argv.split_first() else { return Ok(End::Code(0)) };
    let not_started = |error: io::Error| Message::NotStarted {
        phase: step.phase.clone(),
        program: program.clone(),
        errno: error.raw_os_error().unwrap_or(libc::EINVAL),
    };
    if !confinement.has_directory(&step.cwd) {
        return Err(Message::NoDirectory { phase: step.phase.clone(), directory: step.cwd.clone() });
    }
    if !order.terminal {
        let _ = writeln!(io::stderr(), "==> {}", step.phase);
    }
    let output = || io::stderr().as_fd().try_clone_to_owned().map_err(not_started);
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(&order.job.env);
    confinement.enter(&mut command, &step.cwd);
    command.stdin(if order.terminal { Stdio::inherit() } else { Stdio::null() }).stdout(output()?);
    if let Some(tokens) = tokens {
        let own = order.job.env.get("MAKEFLAGS").map(|flags| format!("{flags} ")).unwrap_or_default();
        command.env("MAKEFLAGS", own + &tokens.make_flags());
    }
    let child = command.spawn().map_err(not_started)?;
    let end = watch.until_end_of(Pid::from_raw(child.id().cast_signed()));
    // Processes that a step left running must not affect the next one.
    watch.end_rest();
    end.map_err(|errno| not_started(errno.into()))
}

/// Closes every descriptor except the three standard ones and the jobserver's when a step starts.
fn keep_own_descriptors(tokens: Option<&Settled>) {
    let first: libc::c_uint = if tokens.is_some() { 5 } else { 3 };
    // SAFETY: the call only marks descriptors, and does not close any now.
    unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC) };
}

/// Reaps processes and measures their memory.
struct Watch {
    isolation: Isolation,
    signals: SignalFd,
    peak_bytes: u64,
    sampled: Instant,
}

impl Watch {
    fn new(isolation: Isolation) -> Result<Self, Errno> {
        let mut awaited = SigSet::from(Signal::SIGCHLD);
        if isolation == Isolation::Chroot {
            // Without a process namespace, the other processes do not end with this one, which must end them first.
            awaited.add(Signal::SIGTERM);
        }
        awaited.thread_block()?;
        let signals = SignalFd::with_flags(&awaited, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        Ok(Self { isolation, signals, peak_bytes: 0, sampled: Instant::now() })
    }

    /// Reaps processes until `step` ends.
    fn until_end_of(&mut self, step: Pid) -> Result<End, Errno> {
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) => self.sleep()?,
                Ok(WaitStatus::Exited(pid, code)) if pid == step => return Ok(End::Code(code)),
                Ok(WaitStatus::Signaled(pid, signal, _)) if pid == step => return Ok(End::Signal(signal as i32)),
                Ok(_) | Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno),
            }
        }
    }

    /// Waits for the end of a process or the next sample, and takes the sample.
    fn sleep(&mut self) -> Result<(), Errno> {
        match poll(&mut [PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)], PollTimeout::from(SAMPLE_MS)) {
            Ok(0) | Err(Errno::EINTR) => {}
            Ok(_) => {
                while let Ok(Some(signal)) = self.signals.read_signal() {
                    if signal.ssi_signo.cast_signed() == Signal::SIGTERM as i32 {
                        processes::end_descendants();
                        std::process::exit(4);
                    }
                }
            }
            Err(errno) => return Err(errno),
        }
        if self.sampled.elapsed() >= Duration::from_millis(SAMPLE_MS.into()) {
            self.peak_bytes = self.peak_bytes.max(processes::held_bytes());
            self.sampled = Instant::now();
        }
        Ok(())
    }

    /// Kills and reaps all remaining processes.
    fn end_rest(&self) {
        match self.isolation {
            Isolation::Namespaces => {
                let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
                while !matches!(waitpid(None, None), Err(Errno::ECHILD)) {}
            }
            Isolation::Chroot => processes::end_descendants(),
        }
    }

    fn outcome(&self, status: StepsEnded, began: Instant, weakness: Option<Weakness>) -> Outcome {
        let (mut cpu_ms, mut largest_bytes) = (0, 0);
        if let Ok(usage) = getrusage(UsageWho::RUSAGE_CHILDREN) {
            let milliseconds = |time: nix::sys::time::TimeVal| time.tv_sec() * 1000 + i64::from(time.tv_usec() as i32) / 1000;
            cpu_ms = u64::try_from(milliseconds(usage.user_time()) + milliseconds(usage.system_time())).unwrap_or(0);
            largest_bytes = u64::try_from(usage.max_rss()).unwrap_or(0) * 1024;
        }
        let wall_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        Outcome { status, peak_memory_bytes: self.peak_bytes.max(largest_bytes), cpu_ms, wall_ms, weakness }
    }
}
