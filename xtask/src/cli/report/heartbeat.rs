//! A sign of life: pipelines end jobs that print nothing for some minutes, and a kernel's build phase takes half an hour.

use std::sync::{Once, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// After so long a silence, it is said what is at work.
pub const SILENCE: Duration = Duration::from_secs(45);

/// How often it is looked whether the silence has lasted long enough.
const LOOK: Duration = Duration::from_secs(5);

/// Something that says what is at work, if it has been silent for long enough.
pub trait Beat: Send + Sync + 'static {
    /// Says it, at the time `now`.
    fn beat(&self, now: Instant);
}

/// From the first call with this `once` on, calls `who` every few seconds from a thread of its own, as long as somebody else has it.
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
        // Where the host allows no further thread, work goes on in silence.
        let _ = thread::Builder::new().spawn(beat);
    });
}
