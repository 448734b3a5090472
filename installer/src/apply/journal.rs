//! What was done, and how long it took.

use std::fs;
use std::path::Path;

use serde::Serialize;

use super::ApplyError;

/// What an installation did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Journal {
    /// In the order they were done in; the last one may have failed.
    pub steps: Vec<Done>,
}

/// A step that was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Done {
    /// What it does, in one line.
    pub what: String,
    /// How long it took.
    pub ms: u64,
    /// Why it failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// What the record of an installation contains.
#[derive(Serialize)]
struct Record<'a> {
    total_ms: u64,
    steps: Vec<Line<'a>>,
}

/// A step in the record, with its share of the time.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    done: &'a Done,
    percent: f64,
}

impl Journal {
    /// How long all of it took.
    pub fn total_ms(&self) -> u64 {
        self.steps.iter().map(|step| step.ms).sum()
    }

    /// The share of a step, in tenths of a percent.
    fn share(&self, step: &Done) -> u64 {
        (step.ms * 1000 + self.total_ms() / 2) / self.total_ms().max(1)
    }

    /// As JSON.
    pub fn text(&self) -> String {
        let line = |done| Line { done, percent: self.share(done) as f64 / 10.0 };
        let record = Record { total_ms: self.total_ms(), steps: self.steps.iter().map(line).collect() };
        serde_json::to_string_pretty(&record).unwrap_or_default() + "\n"
    }

    /// Each step's share of the time, a line each, those that took longest first, as for people.
    pub fn shares(&self) -> String {
        let mut steps: Vec<&Done> = self.steps.iter().collect();
        steps.sort_by_key(|step| std::cmp::Reverse(step.ms));
        let line = |step: &&Done| {
            let share = self.share(step);
            format!("{:>4}.{} % {:>8} ms  {}\n", share / 10, share % 10, step.ms, step.what)
        };
        steps.iter().map(line).collect()
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), ApplyError> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(ApplyError::io("make", folder))?;
        }
        fs::write(path, self.text()).map_err(ApplyError::io("write", path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up() {
        let done = |what: &str, ms| Done { what: what.into(), ms, failed: None };
        let journal = Journal { steps: vec![done("a", 2), done("b", 0), done("c", 1)] };
        assert_eq!(journal.shares(), "  66.7 %        2 ms  a\n  33.3 %        1 ms  c\n   0.0 %        0 ms  b\n");
        let record: serde_json::Value = serde_json::from_str(&journal.text()).unwrap();
        assert_eq!((&record["total_ms"], &record["steps"][2]["percent"]), (&3.into(), &33.3.into()));
        assert!(!Journal::default().text().contains("null"));
    }
}
