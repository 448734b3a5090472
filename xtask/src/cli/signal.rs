//! Ctrl-C and its kin: the first asks to stop, the second ends the process at once.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use runtime::cancel::Cancel;

/// Raises `cancel` at the first signal.
pub(super) fn watch(cancel: &Cancel) {
    let second: Arc<AtomicBool> = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        // Registered in this order, the first signal passes the armed check and then arms it. Failing to register leaves the
        // default, which ends the process: sandboxes die with it and nothing half-made is visible.
        let _ = flag::register_conditional_shutdown(signal, 130, Arc::clone(&second));
        let _ = flag::register(signal, Arc::clone(&second));
        let _ = flag::register(signal, cancel.flag());
    }
}
