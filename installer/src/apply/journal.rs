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

impl Journal {
    /// As JSON.
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), ApplyError> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(ApplyError::io("make", folder))?;
        }
        fs::write(path, self.text()).map_err(ApplyError::io("write", path))
    }

    /// The steps that took longest, with their share of the whole in percent.
    pub fn slowest(&self, count: usize) -> Vec<(u64, &Done)> {
        let total: u64 = self.steps.iter().map(|step| step.ms).sum::<u64>().max(1);
        let mut steps: Vec<&Done> = self.steps.iter().collect();
        steps.sort_by_key(|step| std::cmp::Reverse(step.ms));
        steps.into_iter().take(count).map(|step| (step.ms * 100 / total, step)).collect()
    }
}
