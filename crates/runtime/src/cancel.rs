//! Stops long work on request.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// How often a wait checks whether it was asked to stop.
pub(crate) const CHECK: Duration = Duration::from_millis(50);

/// A shared flag: once it is raised, work ends at the next safe point and leaves nothing incomplete.
#[derive(Clone, Debug, Default)]
pub struct Cancel {
    flag: Arc<AtomicBool>,
    above: Option<Box<Cancel>>,
}

impl Cancel {
    /// A flag that is not raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// A flag for one part of the work, which may be stopped alone; it is also stopped with the rest.
    pub fn part(&self) -> Self {
        Self { flag: Arc::default(), above: Some(Box::new(self.clone())) }
    }

    /// Asks everything that shares the flag to stop.
    pub fn raise(&self) {
        self.flag.store(true, Ordering::SeqCst);
    }

    /// Whether the flag is raised.
    pub fn is_raised(&self) -> bool {
        self.flag.load(Ordering::SeqCst) || self.above.as_ref().is_some_and(|above| above.is_raised())
    }

    /// The result of `work`, which cannot be interrupted and runs in a separate thread; `None` as soon as the flag is raised. Then the
    /// thread is left to end with the process, so `work` must not complete anything that others see.
    ///
    /// # Panics
    /// When `work` panics.
    pub fn unless_raised<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let (send, done) = mpsc::channel();
        let worker = thread::spawn(move || {
            // The receiver may be gone.
            let _ = send.send(work());
        });
        loop {
            match done.recv_timeout(CHECK) {
                Ok(result) => return Some(result),
                Err(RecvTimeoutError::Timeout) if self.is_raised() => return None,
                Err(RecvTimeoutError::Timeout) => {}
                // It ended without a result, so it panicked.
                Err(RecvTimeoutError::Disconnected) => match worker.join() {
                    Err(panic) => resume_unwind(panic),
                    Ok(()) => return None,
                },
            }
        }
    }

    /// The raw flag, for a signal handler.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.flag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_cannot_be_stopped_is_left() {
        let cancel = Cancel::new();
        assert_eq!(cancel.unless_raised(|| 7), Some(7));
        let (_kept, never) = mpsc::channel::<()>();
        cancel.raise();
        assert_eq!(cancel.unless_raised(move || never.recv().is_ok()), None);
        assert!(std::panic::catch_unwind(|| Cancel::new().unless_raised(|| panic!("as asked"))).is_err());
    }

    #[test]
    fn a_part_is_stopped_with_the_whole_but_not_the_reverse() {
        let whole = Cancel::new();
        let (one, other) = (whole.part(), whole.part());
        one.raise();
        assert_eq!([&whole, &one, &other].map(Cancel::is_raised), [false, true, false]);
        whole.raise();
        assert_eq!([&whole, &one, &other].map(Cancel::is_raised), [true, true, true]);
    }
}
