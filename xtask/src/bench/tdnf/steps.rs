//! The steps that package managers are measured with.

use std::path::Path;

use crate::bench::dnf::Dnf;
use crate::bench::{Bench, BenchError};

/// One step.
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
    /// Search for a word.
    Search,
}

/// The steps with the image's packages, in order.
pub const STEPS: [Step; 4] = [Step::Fetch, Step::Plan, Step::Install, Step::Remove];

/// The cost of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Taken {
    /// Wall time, in seconds.
    pub wall_s: f64,
    /// Processor time, user and system, in seconds.
    pub cpu_s: f64,
    /// The peak memory, in MiB.
    pub memory_mib: f64,
}

/// Bytes in a MiB.
pub const MIB: f64 = 1_048_576.0;

impl Step {
    /// Its title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Fetch => "makecache",
            Self::Plan => "plan",
            Self::Install => "install",
            Self::Remove => "remove it",
            Self::Search => "search",
        }
    }

    /// The packages to name on the command line.
    pub fn named<'a>(self, packages: &'a [&'a str]) -> &'a [&'a str] {
        if matches!(self, Self::Fetch | Self::Remove) { &[] } else { packages }
    }
}

/// Runs a step with dnf.
pub fn of_dnf(bench: &Bench<'_>, dnf: &Dnf, room: &Path, step: Step, packages: &[&str]) -> Result<Taken, BenchError> {
    let (words, codes): (&[&str], &[u8]) = match step {
        Step::Fetch => (&["--assumeyes", "makecache"], &[0]),
        // The exit code for a declined transaction.
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
