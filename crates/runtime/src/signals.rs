//! How this process takes signals, whatever its caller set.

use nix::errno::Errno;
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, signal, sigprocmask};

/// Takes SIGCHLD as by default. A caller may have ignored it, and a process keeps that over exec: its children then vanish unseen and waiting
/// for them fails (wait(2)). SIGPIPE needs nothing: Rust ignores it in this process and restores it in those it starts.
pub fn restore() {
    // SAFETY: no handler is installed, and the default disposition of this signal does nothing.
    let _: Result<SigHandler, Errno> = unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) };
    let _: Result<(), Errno> = sigprocmask(SigmaskHow::SIG_UNBLOCK, Some(&SigSet::from(Signal::SIGCHLD)), None);
}
