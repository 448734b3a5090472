//! The interface through which work reports progress.
//!
//! Work sends [`Event`]s; the receiver decides how they are shown (a terminal's bars, plain lines, JSON for a pipeline). Nothing else
//! writes to the terminal while work is in progress.

use serde::Serialize;

use base::diagnostic::Explanation;

/// A progress event. Serialised as one JSON object with a `kind`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Event {
    /// A unit of work began: a package, the SDK, a source, an image.
    Started {
        /// What it is about (`package zlib`, `sdk base`, `image minimal`).
        unit: String,
    },
    /// A unit of work moved on to its next phase (`unpack`, `configure`, `build`, `pack`).
    Phase {
        /// The unit.
        unit: String,
        /// The phase.
        phase: String,
    },
    /// A unit of work waits until another process has done it, or has failed to.
    Waiting {
        /// The unit.
        unit: String,
    },
    /// A transfer or another counted step progressed.
    Amount {
        /// The unit.
        unit: String,
        /// Bytes or items done.
        done: u64,
        /// Bytes or items in total, if known.
        total: Option<u64>,
    },
    /// A unit of work succeeded.
    Finished {
        /// The unit.
        unit: String,
        /// Whether anything had to be done.
        outcome: Outcome,
        /// Wall time, in milliseconds.
        elapsed_ms: u64,
    },
    /// A unit of work failed, or was interrupted.
    Failed {
        /// The unit.
        unit: String,
        /// Why, with all causes.
        message: String,
        /// The phase of its recipe that failed, if one did.
        phase: Option<String>,
        /// The path of its log, if it has one.
        log: Option<String>,
        /// The full explanation, if it is not printed later: the command's own error then only names the unit.
        failure: Option<Box<Explanation>>,
    },
    /// A unit of work is skipped because one that it builds on failed.
    Skipped {
        /// The unit.
        unit: String,
        /// The unit that failed.
        because: String,
    },
    /// A warning, which does not stop anything.
    Warning {
        /// The text, lowercase.
        message: String,
    },
    /// A result that the user requested, such as a written file.
    Note {
        /// The text.
        message: String,
    },
    /// No further package is built: all are done, failed or skipped, or the user asked to stop.
    Ended {
        /// Packages that were built.
        built: usize,
        /// Packages whose results already existed.
        cached: usize,
        /// Packages that failed.
        failed: usize,
        /// Packages that were skipped.
        skipped: usize,
        /// Processor time of all builds, in milliseconds.
        cpu_ms: u64,
        /// Wall time, in milliseconds.
        elapsed_ms: u64,
    },
    /// The planned work: sent once, when the plan is known.
    Planned {
        /// Units that will be worked on.
        units: usize,
        /// Units whose results already exist.
        cached: usize,
        /// Estimated wall time in milliseconds, if durations were recorded.
        estimate_ms: Option<u64>,
    },
}

/// How a unit of work succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The work was done.
    Built,
    /// The result already existed.
    Cached,
}

/// Receives events from any thread.
pub trait Reporter: Send + Sync {
    /// Receives one event. Must not block for long.
    fn event(&self, event: Event);
}

/// Discards all events.
#[derive(Default)]
pub struct Silent;

impl Reporter for Silent {
    fn event(&self, _: Event) {}
}

impl dyn Reporter + '_ {
    /// Sends a warning.
    pub fn warn(&self, message: impl Into<String>) {
        self.event(Event::Warning { message: message.into() });
    }

    /// Reports that `unit` failed, for a reason that the caller also returns as its error.
    pub fn failed(&self, unit: impl Into<String>, message: impl Into<String>) {
        self.event(Event::Failed { unit: unit.into(), message: message.into(), phase: None, log: None, failure: None });
    }

    /// Reports that `unit` waits for another process.
    pub fn waiting(&self, unit: &str) {
        self.event(Event::Waiting { unit: unit.into() });
    }

    /// Reports that `unit` is now in `phase`.
    pub fn phase(&self, unit: &str, phase: &str) {
        self.event(Event::Phase { unit: unit.into(), phase: phase.into() });
    }
}
