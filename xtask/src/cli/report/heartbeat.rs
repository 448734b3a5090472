//! A sign of life: pipelines end jobs that print nothing for some minutes, and a kernel's build phase takes half an hour.

use std::sync::{Once, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// After this much silence, the running units are reported.
pub const SILENCE: Duration = Duration::from_secs(45);

/// How often to check for silence.
const LOOK: Duration = Duration::from_secs(5);

/// A reporter of running units after a silence.
pub trait Beat: Send + Sync + 'static {
    /// Reports the running units if it has been silent for long enough at the time `now`.
    fn beat(&self, now: Instant);
}

/// At the first call with this `once`, starts a thread that calls `who` every few seconds as long as `who` is in use.
pub fn start<B: Beat>(once: &Once, who: &Weak<B>) {
    once.call_once(|| {
        let who = Weak::clone(who);
        let beat = move || {
            loop {
                thread::sleep(LOOK);
                let Some(who) = who.upgrade() else { return };
                who.beat(Instant::now());
            }
        };
        // If the host allows no further thread, work continues without these reports.
        let _ = thread::Builder::new().spawn(beat);
    });
}
