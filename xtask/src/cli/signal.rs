//! Ctrl-C and similar signals: the first asks to stop, the second ends the process at once.

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use nix::libc;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use runtime::cancel::Cancel;

/// Raises `cancel` at the first signal. Signals that the caller ignores stay ignored, as intended by nohup(1) and by `&` in a script
/// without job control.
pub(super) fn watch(cancel: &Cancel) {
    let second: Arc<AtomicBool> = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| !is_ignored(*signal)) {
        // In this order, the first signal passes the unarmed check and then arms it. If registering fails, the default remains, which ends
        // the process: sandboxes end with it, and nothing incomplete is visible.
        let _ = flag::register_conditional_shutdown(signal, 130, Arc::clone(&second));
        let _ = flag::register(signal, Arc::clone(&second));
        let _ = flag::register(signal, cancel.flag());
    }
}

fn is_ignored(signal: libc::c_int) -> bool {
    let mut present = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action the call only writes the current one to its argument, for which all zeros are valid as well.
    unsafe { libc::sigaction(signal, ptr::null(), present.as_mut_ptr()) == 0 && present.assume_init().sa_sigaction == libc::SIG_IGN }
}
