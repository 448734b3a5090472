//! Process 1 of the sandbox, started and ended by the worker.

use std::io::Read as _;
use std::sync::atomic::{AtomicI32, Ordering};

use nix::errno::Errno;
use nix::libc;
use nix::sys::prctl::{set_child_subreaper, set_pdeathsig};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork, pipe};

use super::super::Isolation;
use super::super::message::{Refusal, Stage};

/// Process 1, by its number for the worker; 0 before it exists.
static INIT: AtomicI32 = AtomicI32::new(0);
/// The signal that ends it and so all others.
static ENDING: AtomicI32 = AtomicI32::new(Signal::SIGKILL as i32);

/// Resets signals that the caller ignored or blocked, as `nohup` and background jobs of shells do.
///
/// The C library hides two of the 64 signals, so the system call is used directly.
pub(super) fn default_signals() {
    const SIGNAL_SET_BYTES: usize = 8;
    // The kernel's own structure, with four words: handler (zero is the default), flags, restorer, mask.
    let default = [0_u64; 4];
    for number in (1..=64).filter(|&number| number != libc::SIGPIPE) {
        // SAFETY: the structure outlives the call, and the default disposition runs no code of this program.
        unsafe { libc::syscall(libc::SYS_rt_sigaction, number, &raw const default, std::ptr::null::<u64>(), SIGNAL_SET_BYTES) };
    }
    let _ = SigSet::empty().thread_set_mask();
}

/// Runs `live` as process 1 and returns its exit code when it and all its descendants have ended.
///
/// Without a process namespace it is not process 1 but only the reaper of its descendants, and must be asked to end them.
pub(super) fn run(isolation: Isolation, live: impl FnOnce() -> u8) -> Result<u8, Refusal> {
    let ending = match isolation {
        Isolation::Namespaces => Signal::SIGKILL,
        Isolation::Chroot => Signal::SIGTERM,
    };
    ENDING.store(ending as i32, Ordering::SeqCst);
    let refused = || Stage::Process.refused::<Errno>("");
    let (mut go_reader, go_writer) = pipe().map(|(reader, writer)| (std::fs::File::from(reader), writer)).map_err(refused())?;
    let terminate = SigSet::from(Signal::SIGTERM);
    terminate.thread_block().map_err(refused())?;
    // SAFETY: the worker has a single thread, so the child may go on using everything.
    match unsafe { fork() }.map_err(refused())? {
        ForkResult::Child => {
            drop(go_writer);
            let code = match begin(&mut go_reader, terminate, ending) && become_reaper(isolation) {
                true => live(),
                false => 4,
            };
            std::process::exit(i32::from(code));
        }
        ForkResult::Parent { child } => {
            INIT.store(child.as_raw(), Ordering::SeqCst);
            let handler = SigAction::new(SigHandler::Handler(kill_init), SaFlags::SA_RESTART, SigSet::empty());
            // SAFETY: the handler only reads an atomic and makes a system call.
            unsafe { sigaction(Signal::SIGTERM, &handler) }.map_err(refused())?;
            terminate.thread_unblock().map_err(refused())?;
            nix::unistd::write(&go_writer, b"1").map_err(refused())?;
            drop(go_writer);
            wait(child)
        }
    }
}

/// Makes process 1 end with the worker. A byte from the worker shows that it is still alive: its number is not visible from here.
fn begin(go: &mut std::fs::File, terminate: SigSet, ending: Signal) -> bool {
    let tied = set_pdeathsig(ending).is_ok() && terminate.thread_unblock().is_ok();
    tied && matches!(go.read(&mut [0]), Ok(1))
}

fn become_reaper(isolation: Isolation) -> bool {
    isolation == Isolation::Namespaces || set_child_subreaper(true).is_ok()
}

fn wait(init: nix::unistd::Pid) -> Result<u8, Refusal> {
    loop {
        match waitpid(init, None) {
            Ok(WaitStatus::Exited(_, code)) => return Ok(u8::try_from(code).unwrap_or(4)),
            Ok(WaitStatus::Signaled(..)) => return Ok(4),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(Stage::Process.refused("")(errno)),
        }
    }
}

extern "C" fn kill_init(_: libc::c_int) {
    // SAFETY: `kill` may be called in a signal handler. The number is that of a child not yet waited for; otherwise the call fails, and the
    // worker is about to end anyway.
    unsafe { libc::kill(INIT.load(Ordering::SeqCst), ENDING.load(Ordering::SeqCst)) };
}
