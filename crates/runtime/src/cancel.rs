//! Asking long work to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag shared by all who work: once raised, work ends at the next safe point and leaves nothing half-made.
#[derive(Clone, Debug, Default)]
pub struct Cancel {
    flag: Arc<AtomicBool>,
    above: Option<Box<Cancel>>,
}

impl Cancel {
    /// A flag not raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// A flag of one part of the work, which may be asked to stop without the rest; with the rest it stops, too.
    pub fn part(&self) -> Self {
        Self { flag: Arc::default(), above: Some(Box::new(self.clone())) }
    }

    /// Asks all who share the flag to stop.
    pub fn raise(&self) {
        self.flag.store(true, Ordering::SeqCst);
    }

    /// Whether somebody asked to stop.
    pub fn is_raised(&self) -> bool {
        self.flag.load(Ordering::SeqCst) || self.above.as_ref().is_some_and(|above| above.is_raised())
    }

    /// The flag itself, for a signal handler.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.flag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_stops_with_the_whole_but_not_the_whole_with_it() {
        let whole = Cancel::new();
        let (one, other) = (whole.part(), whole.part());
        one.raise();
        assert_eq!([&whole, &one, &other].map(Cancel::is_raised), [false, true, false]);
        whole.raise();
        assert_eq!([&whole, &one, &other].map(Cancel::is_raised), [true, true, true]);
    }
}
