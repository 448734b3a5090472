//! What is heard of transfers while they run.

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::{Download, Patience};
use base::address::public;

/// What is heard of transfers while they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard<'a> {
    /// So many more bytes are on disk.
    Bytes(u64),
    /// Nothing has come from this server for so many seconds. It is reported once, and still waited for.
    Nothing {
        /// The scheme, host and port of its address.
        from: &'a str,
        /// Seconds.
        for_s: u64,
    },
}

impl Heard<'_> {
    /// The number of bytes.
    pub fn bytes(self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Nothing { .. } => 0,
        }
    }

    /// For people, what is missing.
    pub fn complaint(self) -> Option<String> {
        match self {
            Self::Bytes(_) => None,
            Self::Nothing { from, for_s } => Some(format!("nothing has come from `{from}` for {for_s} s; it is still waited for")),
        }
    }
}

/// After so long without a sign of life, people want to know.
const SILENCE: Duration = Duration::from_secs(15);

/// Reports bytes, and the first long silence.
pub(super) struct Listener<'a> {
    report: &'a dyn Fn(Heard<'_>),
    /// The server, if there is one.
    from: Option<String>,
    patience: Duration,
    since: Cell<Instant>,
    is_told: Cell<bool>,
}

impl<'a> Listener<'a> {
    pub fn new(report: &'a dyn Fn(Heard<'_>), downloads: &[Download], patience: Patience) -> Self {
        let remote = downloads.iter().find(|download| download.uri.contains("://"));
        Self {
            report,
            from: remote.map(|download| super::host(&public(&download.uri)).to_owned()),
            // Who gives up soon has said enough with that.
            patience: SILENCE.min(patience.timeout() * 3 / 2),
            since: Cell::new(Instant::now()),
            is_told: Cell::new(false),
        }
    }

    /// Is called often, with the number of bytes that came since.
    pub fn look(&self, bytes: u64) {
        if bytes > 0 {
            (self.report)(Heard::Bytes(bytes));
            self.alive();
        }
        let silent = self.since.get().elapsed();
        if let Some(from) = &self.from
            && silent >= self.patience
            && !self.is_told.replace(true)
        {
            (self.report)(Heard::Nothing { from, for_s: silent.as_secs() });
        }
    }

    /// Notes a sign of life other than bytes, such as the answer that a file is not there.
    pub fn alive(&self) {
        self.since.set(Instant::now());
    }
}
