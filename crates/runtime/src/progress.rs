//! The one seam through which work reports how it goes.
//!
//! Effects send [`Event`]s; what becomes of them (a terminal's bars, plain lines, JSON for a pipeline) is the
//! receiver's business, and nothing else ever writes to the terminal while work is under way.

use serde::Serialize;

use base::diagnostic::Explanation;

/// Something that happened, on its way to the user. Serialised as one JSON object with a `kind`.
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
    /// A transfer or another counted step moved on.
    Amount {
        /// The unit.
        unit: String,
        /// Bytes or items done.
        done: u64,
        /// Bytes or items in all, where known.
        total: Option<u64>,
    },
    /// A unit of work ended well.
    Finished {
        /// The unit.
        unit: String,
        /// Whether anything was done at all.
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
        /// The phase of its recipe that failed, where one did.
        phase: Option<String>,
        /// The path of its log, where it has one.
        log: Option<String>,
        /// All that is said of it, where nobody says it later: the command's own error then only names it.
        failure: Option<Box<Explanation>>,
    },
    /// A unit of work is not tried, as one it builds on failed.
    Skipped {
        /// The unit.
        unit: String,
        /// The unit that failed.
        because: String,
    },
    /// Something the user should know that stops nothing.
    Warning {
        /// The text, lowercase.
        message: String,
    },
    /// A result the user asked for: a file written, say.
    Note {
        /// The text.
        message: String,
    },
    /// No further package is built: all are done, failed or skipped, or the user asked to stop.
    Ended {
        /// Packages that were built.
        built: usize,
        /// Packages whose results were at hand.
        cached: usize,
        /// Packages that failed.
        failed: usize,
        /// Packages not tried.
        skipped: usize,
        /// Processor time of all builds, in milliseconds.
        cpu_ms: u64,
        /// Wall time, in milliseconds.
        elapsed_ms: u64,
    },
    /// What is ahead: sent once, when the plan is known.
    Planned {
        /// Units that will be worked on.
        units: usize,
        /// Units whose results are at hand.
        cached: usize,
        /// Estimated wall time in milliseconds, where durations were recorded.
        estimate_ms: Option<u64>,
    },
}

/// How a unit of work ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The work was done.
    Built,
    /// The result was at hand.
    Cached,
}

/// Takes events, from any thread.
pub trait Reporter: Send + Sync {
    /// Takes one event. Must not block for long.
    fn event(&self, event: Event);
}

/// Takes events and forgets them.
#[derive(Default)]
pub struct Silent;

impl Reporter for Silent {
    fn event(&self, _: Event) {}
}

impl dyn Reporter + '_ {
    /// Warns of something that stops nothing.
    pub fn warn(&self, message: impl Into<String>) {
        self.event(Event::Warning { message: message.into() });
    }

    /// Says that `unit` failed, for a reason that the caller also returns as its error.
    pub fn failed(&self, unit: impl Into<String>, message: impl Into<String>) {
        self.event(Event::Failed { unit: unit.into(), message: message.into(), phase: None, log: None, failure: None });
    }

    /// Says that `unit` waits for another process.
    pub fn waiting(&self, unit: &str) {
        self.event(Event::Waiting { unit: unit.into() });
    }

    /// Says that `unit` is now in `phase`.
    pub fn phase(&self, unit: &str, phase: &str) {
        self.event(Event::Phase { unit: unit.into(), phase: phase.into() });
    }
}
