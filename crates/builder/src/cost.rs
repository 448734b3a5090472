//! The expected duration of builds on this machine: the project's recorded costs, and how this machine compares.

use std::fs;
use std::hint::black_box;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Instant;

use super::Builder;
use base::diagnostic::{Failure, Problems};
use base::name::PackageName;
use planning::action::{Record, Results};
use planning::plan::{COSTS_FILE, Costs, Estimate, World as _, sample_work};

/// The project's recorded costs, and this machine's speed relative to them.
#[derive(Debug, Default)]
pub struct RecordedCosts {
    costs: Costs,
    /// Measured when it is first needed: a plan of specs that were all built before does not need it.
    pace: OnceLock<f64>,
}

/// Why the recorded costs are not known.
#[derive(Debug, thiserror::Error)]
pub enum CostsError {
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file contains mistakes.
    #[error(transparent)]
    Problems(#[from] Problems),
}

impl Failure for CostsError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Problems(error) => Some(error),
            Self::Io { .. } => None,
        }
    }
}

impl RecordedCosts {
    /// Reads the costs of the project in `root`. A project without such a file has none.
    ///
    /// # Errors
    /// When the file cannot be read, or all problems in it.
    pub fn load(root: &Path) -> Result<Self, CostsError> {
        let path = root.join(COSTS_FILE);
        let costs = match fs::read_to_string(&path) {
            Ok(text) => Costs::parse(&text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Costs::default(),
            Err(source) => return Err(CostsError::Io { path, source }),
        };
        Ok(Self { costs, pace: OnceLock::new() })
    }

    /// The expected cost of building a spec here.
    pub(super) fn estimate(&self, builder: &Builder<'_>, spec: &PackageName) -> Option<Estimate> {
        if self.costs.cpu_seconds.is_empty() {
            return None;
        }
        let pace = *self.pace.get_or_init(|| {
            let measured = || self.costs.sample_us.map_or(1.0, |recorded_us| measure_us() as f64 / recorded_us as f64);
            // A figure beyond these bounds has another cause than the speed of the processor.
            pace_by_builds(&self.costs, |spec| builder.record(spec)).unwrap_or_else(measured).clamp(0.1, 10.0)
        });
        self.costs.estimate(spec, pace, builder.jobs)
    }
}

/// This machine's speed by what was built on it, the best measure there is. `None` if too little was built for that.
fn pace_by_builds(costs: &Costs, record: impl Fn(&PackageName) -> Option<Record>) -> Option<f64> {
    const ENOUGH_SECONDS: u64 = 60;
    let built = costs.cpu_seconds.iter().filter_map(|(spec, seconds)| Some((seconds, record(spec)?.cpu_ms)));
    let (seconds, here_ms) =
        built.filter(|(_, here_ms)| *here_ms > 0).fold((0, 0), |(seconds, ms), (more, here_ms)| (seconds + more, ms + here_ms));
    (seconds >= ENOUGH_SECONDS).then(|| here_ms as f64 / (seconds * 1000) as f64)
}

/// The time that [`sample_work`] takes here, in microseconds: the shortest of several runs, since other processes only make it longer.
fn measure_us() -> u64 {
    let run = |_| {
        let begun = Instant::now();
        black_box(sample_work());
        u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX).max(1)
    };
    (0..5).map(run).min().unwrap_or(1)
}

/// The costs as of now, and how many of them were measured on this machine; the others stay as recorded. Specs that no longer exist are
/// left out.
pub fn current_costs(builder: &Builder<'_>, results: &Results) -> (Costs, usize) {
    let mut costs = Costs { sample_us: Some(measure_us()), ..Costs::default() };
    let mut measured = 0;
    for (spec, _) in builder.graph.specs() {
        let here_ms = results
            .get(spec)
            .filter(|result| result.shared.is_none())
            .map(|result| result.cpu_ms)
            .or_else(|| builder.record(spec).map(|record| record.cpu_ms));
        let here = here_ms.filter(|ms| *ms > 0).map(|ms| ms.div_ceil(1000));
        measured += usize::from(here.is_some());
        let known = here.or_else(|| builder.costs.costs.cpu_seconds.get(spec).copied());
        costs.cpu_seconds.extend(known.map(|seconds| (spec.clone(), seconds)));
    }
    (costs, measured)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_pace_is_that_of_what_was_built() {
        let name = |text: &str| text.parse::<PackageName>().unwrap();
        let cpu_seconds = BTreeMap::from([(name("big"), 100), (name("small"), 10), (name("old"), 1000)]);
        let costs = Costs { sample_us: None, cpu_seconds };
        let built = |what: &'static [(&'static str, u64)]| {
            pace_by_builds(&costs, move |spec| {
                let (_, cpu_ms) = what.iter().find(|(name, _)| *name == spec.as_str())?;
                Some(Record { fields: BTreeMap::new(), elapsed_ms: 1, cpu_ms: *cpu_ms, peak_memory_bytes: 1 })
            })
        };
        assert_eq!(built(&[("big", 50_000), ("small", 5_000), ("unknown", 1), ("old", 0)]), Some(0.5));
        assert_eq!(built(&[("small", 5_000)]), None, "too little to go by");
        assert_eq!(built(&[]), None);
    }

    #[test]
    fn the_sample_takes_a_few_milliseconds() {
        let us = measure_us();
        assert!((100..500_000).contains(&us), "{us}");
    }
}
