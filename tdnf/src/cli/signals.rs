//! Signals that ask the program to end while it changes the system.
//!
//! rpm and dnf block them until the transaction is over. Here threads that run already would still receive them, so they are caught instead.

use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, PoisonError};

use nix::libc::c_int;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

use super::error::CliError;

/// The signals by which users, terminals and service managers end programs.
const ENDING: [Signal; 4] = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM];

/// The number of the first of them that came while they were caught; 0 if none did.
static CAUGHT: AtomicI32 = AtomicI32::new(0);

extern "C" fn catch(number: c_int) {
    let _ = CAUGHT.compare_exchange(0, number, Ordering::Relaxed, Ordering::Relaxed);
}

/// From [`Deferral::begin`] to its end, signals that would end the program are only noted.
#[derive(Default)]
pub struct Deferral {
    /// What each signal did before.
    before: Mutex<Vec<(Signal, SigAction)>>,
}

impl Deferral {
    /// Begins to catch signals, unless that was begun. One that is ignored, as `nohup` has it, stays so.
    pub fn begin(&self) {
        let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        if !before.is_empty() {
            return;
        }
        let catching = SigAction::new(SigHandler::Handler(catch), SaFlags::SA_RESTART, SigSet::empty());
        for signal in ENDING {
            // SAFETY: the handler stores a number and does nothing else.
            let Ok(old) = (unsafe { sigaction(signal, &catching) }) else { continue };
            before.push((signal, old));
            if matches!(old.handler(), SigHandler::SigIgn) {
                set(signal, &old);
            }
        }
    }
}

impl Drop for Deferral {
    fn drop(&mut self) {
        let before = self.before.get_mut().unwrap_or_else(PoisonError::into_inner);
        before.iter().for_each(|(signal, old)| set(*signal, old));
    }
}

/// Gives a signal back what it did. That cannot fail: the kernel had accepted the same before.
fn set(signal: Signal, action: &SigAction) {
    // SAFETY: it was in force before.
    let _ = unsafe { sigaction(signal, action) };
}

/// The signal that came while they were caught.
pub fn caught() -> Option<Signal> {
    Signal::try_from(CAUGHT.load(Ordering::Relaxed)).ok()
}

/// Refuses to go on after a signal that was caught.
///
/// # Errors
/// When one came.
pub fn none_came() -> Result<(), CliError> {
    caught().map_or(Ok(()), |signal| Err(CliError::Signalled(signal)))
}
