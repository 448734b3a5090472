//! Signal dispositions of this process, whatever its caller set.

use nix::errno::Errno;
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, signal, sigprocmask};

/// Restores the default for SIGCHLD. A caller may have ignored it, which is inherited over exec: then exited children vanish and waiting
/// for them fails (wait(2)). SIGPIPE needs nothing: Rust ignores it in this process and restores it in children.
pub fn restore() {
    // SAFETY: no handler is installed, and the default disposition of this signal does nothing.
    let _: Result<SigHandler, Errno> = unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) };
    let _: Result<(), Errno> = sigprocmask(SigmaskHow::SIG_UNBLOCK, Some(&SigSet::from(Signal::SIGCHLD)), None);
}
