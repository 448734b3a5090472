//! Bare machines: the script `tests/bare/run` builds and tests the project in minimal roots of distributions.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::summary::StageResult;
use super::{Stage, TestError};

/// The suites to run. `tests/bare/run` itself accepts others as well.
const SUITES: [&str; 2] = ["bookworm", "trixie"];

/// The script, relative to the project's folder.
const SCRIPT: &str = "tests/bare/run";

/// Runs the script for each suite, despite failures, with its output on this process's streams.
///
/// # Errors
/// When the script cannot be started.
pub fn run_bare(root: &Path) -> Result<StageResult, TestError> {
    let begun = Instant::now();
    let mut result = StageResult::new(Stage::Bare);
    for suite in SUITES {
        let program = root.join(SCRIPT);
        let start = |source| TestError::Start { program: program.clone(), source };
        let status = Command::new(&program).arg(suite).current_dir(root).stdin(Stdio::null()).status().map_err(start)?;
        if status.success() {
            result.passed += 1;
        } else {
            result.failed.push(format!("{SCRIPT} {suite} ({status})"));
        }
    }
    result.elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(result)
}
