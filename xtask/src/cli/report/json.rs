//! Events as JSON, one per line, for pipelines.

use std::sync::{Arc, Mutex, Once, PoisonError, Weak};
use std::time::Instant;

use serde::Serialize;

use super::activity::{Activity, Running};
use super::heartbeat::{self, Beat, SILENCE};
use crate::cli::output::json_line;
use crate::cli::stream::Stream;
use runtime::progress::{Event, Reporter};

/// Writes each event to standard output.
pub struct JsonLines {
    me: Weak<Self>,
    out: Arc<Stream>,
    once: Once,
    state: Mutex<(Activity, Instant)>,
}

/// The running units after a silence.
#[derive(Serialize)]
#[serde(tag = "kind", rename = "running")]
struct StillRunning {
    units: Vec<Running>,
}

impl JsonLines {
    /// Writes to `out`.
    pub fn new(out: Arc<Stream>) -> Arc<Self> {
        let state = Mutex::new((Activity::default(), Instant::now()));
        Arc::new_cyclic(|me| Self { me: Weak::clone(me), out, once: Once::new(), state })
    }

    fn write(&self, value: &impl Serialize) {
        if let Some(line) = json_line(value) {
            self.out.write(line.as_bytes());
        }
    }
}

impl Reporter for JsonLines {
    fn event(&self, event: Event) {
        let now = Instant::now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0.take(&event, now);
        state.1 = now;
        self.write(&event);
        drop(state);
        heartbeat::start(&self.once, &self.me);
    }
}

impl Beat for JsonLines {
    fn beat(&self, now: Instant) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let units = state.0.running(now);
        if !units.is_empty() && now.saturating_duration_since(state.1) >= SILENCE {
            state.1 = now;
            self.write(&StillRunning { units });
        }
    }
}
