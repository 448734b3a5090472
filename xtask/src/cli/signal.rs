//! Ctrl-C and its kin: the first asks to stop, the second ends the process at once.

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use nix::libc;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use runtime::cancel::Cancel;

/// Raises `cancel` at the first signal. Signals that the caller ignores stay ignored, as nohup(1) and the `&` of a script without job control
/// want it.
pub(super) fn watch(cancel: &Cancel) {
    let second: Arc<AtomicBool> = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| !is_ignored(*signal)) {
        // Registered in this order, the first signal passes the armed check and then arms it. Failing to register leaves the
        // default, which ends the process: sandboxes die with it and nothing half-made is visible.
        let _ = flag::register_conditional_shutdown(signal, 130, Arc::clone(&second));
        let _ = flag::register(signal, Arc::clone(&second));
        let _ = flag::register(signal, cancel.flag());
    }
}

fn is_ignored(signal: libc::c_int) -> bool {
    let mut present = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action the call only writes the present one to where it belongs; all zeros are a valid one, too.
    unsafe { libc::sigaction(signal, ptr::null(), present.as_mut_ptr()) == 0 && present.assume_init().sa_sigaction == libc::SIG_IGN }
}
