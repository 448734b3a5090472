//! What of a run's scratch directories could not be removed.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::RemoveError;
use crate::progress::{Reporter, Silent};

/// Warns once a run: a fault of the file system shows in every directory, and one warning is as good as fifty.
pub(super) struct Leftovers {
    reporter: Arc<dyn Reporter>,
    was_reported: AtomicBool,
}

impl Leftovers {
    pub(super) fn reported_to(reporter: Arc<dyn Reporter>) -> Self {
        Self { reporter, was_reported: AtomicBool::new(false) }
    }

    /// Reports a directory that stays, if it is the first.
    pub(super) fn report(&self, error: &RemoveError) {
        if !self.was_reported.swap(true, Ordering::Relaxed) {
            self.reporter.warn(format!("{error}: {} (`cargo xtask gc` tries again and lists what stays)", error.source));
        }
    }
}

impl Default for Leftovers {
    fn default() -> Self {
        Self::reported_to(Arc::new(Silent))
    }
}

impl fmt::Debug for Leftovers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Leftovers").field("was_reported", &self.was_reported).finish_non_exhaustive()
    }
}
