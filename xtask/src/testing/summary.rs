//! The final table: the tests of each stage, with failures and those left out, by reason.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use serde::Serialize;

use super::{Stage, TestError};

/// The result of a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StageResult {
    /// The stage.
    pub stage: Stage,
    /// How many tests passed.
    pub passed: usize,
    /// Full names of the tests that failed.
    pub failed: Vec<String>,
    /// Tests left out: reason → number.
    pub skipped: BTreeMap<String, usize>,
    /// Wall time, in milliseconds.
    pub elapsed_ms: u64,
}

impl StageResult {
    /// The result of a stage before any test.
    pub fn new(stage: Stage) -> Self {
        Self { stage, passed: 0, failed: Vec::new(), skipped: BTreeMap::new(), elapsed_ms: 0 }
    }

    fn skipped_count(&self) -> usize {
        self.skipped.values().sum()
    }
}

/// All stages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The stages, in the order in which they ran.
    pub stages: Vec<StageResult>,
}

impl Summary {
    /// The failure that ends the run, if tests failed.
    ///
    /// # Errors
    /// [`TestError::Failed`].
    pub fn verdict(&self) -> Result<(), TestError> {
        let names: Vec<String> = self.stages.iter().flat_map(|stage| stage.failed.iter().cloned()).collect();
        if names.is_empty() { Ok(()) } else { Err(TestError::Failed { failed: names.len(), names }) }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for name in self.stages.iter().flat_map(|stage| &stage.failed) {
            writeln!(f, "failed: {name}")?;
        }
        writeln!(f, "{:8} {:>7} {:>7} {:>8} {:>8}", "stage", "passed", "failed", "skipped", "minutes")?;
        let mut sums = [0; 3];
        for stage in &self.stages {
            let counts = [stage.passed, stage.failed.len(), stage.skipped_count()];
            sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
            let tenths = stage.elapsed_ms / 6000;
            let minutes = format!("{}.{}", tenths / 10, tenths % 10);
            let [passed, failed, skipped] = counts;
            let name = stage.stage.to_string();
            writeln!(f, "{name:8} {passed:>7} {failed:>7} {skipped:>8} {minutes:>8}{}", reasons(&stage.skipped))?;
        }
        let [passed, failed, skipped] = sums;
        writeln!(f, "total: {passed} passed, {failed} failed, {skipped} skipped")
    }
}

fn reasons(skipped: &BTreeMap<String, usize>) -> String {
    skipped.iter().fold(String::new(), |mut text, (reason, count)| {
        let _ = write!(text, "{}{count} {reason}", if text.is_empty() { "   skipped: " } else { ", " });
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table() {
        let code =
            StageResult { passed: 12, elapsed_ms: 95_000, skipped: [("needs root".into(), 2)].into(), ..StageResult::new(Stage::Code) };
        let system = StageResult { failed: vec!["boot::by_bios".into()], elapsed_ms: 3_600_000, ..StageResult::new(Stage::System) };
        let summary = Summary { stages: vec![code, system] };
        let expected = "failed: boot::by_bios
stage     passed  failed  skipped  minutes
code          12       0        2      1.5   skipped: 2 needs root
system         0       1        0     60.0
total: 12 passed, 1 failed, 2 skipped
";
        assert_eq!(summary.to_string(), expected);
        assert!(matches!(summary.verdict(), Err(TestError::Failed { failed: 1, .. })));
    }
}
