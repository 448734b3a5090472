//! Messages of a store to its user during other work.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::RemoveError;
use crate::progress::{Reporter, Silent};

/// Messages to the user.
pub(super) struct Notices {
    reporter: Arc<dyn Reporter>,
    has_leftovers: AtomicBool,
}

impl Notices {
    pub(super) fn to(reporter: Arc<dyn Reporter>) -> Self {
        Self { reporter, has_leftovers: AtomicBool::new(false) }
    }

    /// Sends a warning.
    pub(super) fn warn(&self, message: String) {
        self.reporter.warn(message);
    }

    /// Warns of a scratch directory that could not be removed, but only once: a fault of the file system affects all of them, and one
    /// warning is enough.
    pub(super) fn leftover(&self, error: &RemoveError) {
        if !self.has_leftovers.swap(true, Ordering::Relaxed) {
            self.warn(format!("{error}: {} (`cargo xtask gc` tries again and lists what remains)", error.source));
        }
    }
}

impl Default for Notices {
    fn default() -> Self {
        Self::to(Arc::new(Silent))
    }
}

impl fmt::Debug for Notices {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Notices").field("has_leftovers", &self.has_leftovers).finish_non_exhaustive()
    }
}
