//! What package managers are asked to do.

use std::path::Path;

use crate::bench::dnf::Dnf;
use crate::bench::{Bench, BenchError};

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Fetch the metadata and index it.
    Fetch,
    /// Plan an installation and answer no.
    Plan,
    /// Install.
    Install,
    /// Remove everything.
    Remove,
    /// Look for a word.
    Search,
}

/// What is done with the image's packages, in order.
pub const STEPS: [Step; 4] = [Step::Fetch, Step::Plan, Step::Install, Step::Remove];

/// What a step took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Taken {
    /// Wall time, in seconds.
    pub wall_s: f64,
    /// Processor time, user and system, in seconds.
    pub cpu_s: f64,
    /// The most memory at a time, in MiB.
    pub memory_mib: f64,
}

/// Bytes in a MiB.
pub const MIB: f64 = 1_048_576.0;

impl Step {
    /// How it is called.
    pub fn title(self) -> &'static str {
        match self {
            Self::Fetch => "makecache",
            Self::Plan => "plan",
            Self::Install => "install",
            Self::Remove => "remove it",
            Self::Search => "search",
        }
    }

    /// What of the packages it is about is named.
    pub fn named<'a>(self, packages: &'a [&'a str]) -> &'a [&'a str] {
        if matches!(self, Self::Fetch | Self::Remove) { &[] } else { packages }
    }
}

/// Lets dnf do a step.
pub fn of_dnf(bench: &Bench<'_>, dnf: &Dnf, room: &Path, step: Step, packages: &[&str]) -> Result<Taken, BenchError> {
    let (words, codes): (&[&str], &[u8]) = match step {
        Step::Fetch => (&["--assumeyes", "makecache"], &[0]),
        // Its way to say that it was told no.
        Step::Plan => (&["--assumeno", "--cacheonly", "install"], &[1]),
        Step::Install => (&["--assumeyes", "--cacheonly", "install"], &[0]),
        Step::Remove => (&["--assumeyes", "remove", "*"], &[0]),
        Step::Search => (&["--cacheonly", "search"], &[0]),
    };
    let outcome = dnf.run(bench, room, words.iter().chain(step.named(packages)).copied(), codes)?;
    Ok(Taken {
        wall_s: outcome.wall_ms as f64 / 1e3,
        cpu_s: outcome.cpu_ms as f64 / 1e3,
        memory_mib: outcome.peak_memory_bytes as f64 / MIB,
    })
}
