//! Runs the chosen tests of a binary, with the harness's own output, and counts the results.

use std::io::{self, Read, Write as _};
use std::process::Stdio;
use std::time::Instant;

use super::select::Chosen;
use super::summary::StageResult;
use super::{Need, Stage, TestError};

/// The results of the tests of one binary.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How many passed.
    pub passed: usize,
    /// The names of those that failed, without that of the binary.
    pub failed: Vec<String>,
}

/// Runs the tests of a stage, one binary after the other, despite failures. `write` receives the harness's output immediately.
///
/// # Errors
/// When a binary cannot be started, or crashes, that is, ends without the harness's summary.
pub fn run_stage(stage: Stage, chosen: &[Chosen<'_>], write: &mut dyn FnMut(&[u8])) -> Result<StageResult, TestError> {
    let begun = Instant::now();
    let mut result = StageResult::new(stage);
    for chosen in chosen {
        write(format!("\n==> {stage}: {}\n", chosen.binary.name).as_bytes());
        let outcome = run(stage, chosen, write)?;
        result.passed += outcome.passed;
        result.failed.extend(outcome.failed.iter().map(|name| format!("{}::{name}", chosen.binary.name)));
    }
    result.elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(result)
}

fn run(stage: Stage, chosen: &Chosen<'_>, write: &mut dyn FnMut(&[u8])) -> Result<Outcome, TestError> {
    let program = &chosen.binary.executable;
    let start = |source| TestError::Start { program: program.clone(), source };
    let mut command = chosen.binary.command();
    command.args(arguments(stage, chosen)).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(start)?;
    let mut text = Vec::new();
    if let Some(output) = child.stdout.take() {
        copy(output, &mut text, write).map_err(start)?;
    }
    let status = child.wait().map_err(start)?;
    let Some(mut outcome) = outcome_of(&String::from_utf8_lossy(&text)) else {
        // After a crash, the output shows which test it was; the rest did not run.
        return Ok(Outcome { passed: 0, failed: vec![format!("(the binary ended early: {status})")] });
    };
    if !status.success() && outcome.failed.is_empty() {
        outcome.failed.push(format!("(the binary ended with {status})"));
    }
    Ok(outcome)
}

/// The harness's arguments (`--help` of any test binary): all tests that are not ignored, or those chosen by name.
fn arguments(stage: Stage, chosen: &Chosen<'_>) -> Vec<String> {
    let mut arguments: Vec<String> = match stage {
        Stage::Code | Stage::Sdk | Stage::Bare => Vec::new(),
        // One machine at a time, with its output shown immediately.
        Stage::System => ["--test-threads=1", "--nocapture"].map(str::to_owned).into(),
    };
    let usual = chosen.binary.tests.iter().filter(|test| test.need == Need::Nothing).count();
    let is_usual = chosen.tests.len() == usual && chosen.tests.iter().all(|test| test.need == Need::Nothing);
    if !is_usual {
        arguments.extend(["--include-ignored", "--exact"].map(str::to_owned));
        arguments.extend(chosen.tests.iter().map(|test| test.name.clone()));
    }
    arguments
}

fn copy(mut from: impl Read, text: &mut Vec<u8>, write: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    let mut bytes = [0; 4096];
    loop {
        match from.read(&mut bytes) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                write(&bytes[..count]);
                text.write_all(&bytes[..count])?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Reads `test result: ok. 3 passed; 1 failed; …` and the last list of failures before it.
fn outcome_of(text: &str) -> Option<Outcome> {
    let mut failed = Vec::new();
    let mut is_list = false;
    let mut outcome = None;
    for line in text.lines() {
        if line == "failures:" {
            (is_list, failed) = (true, Vec::new());
        } else if let Some(result) = line.strip_prefix("test result: ") {
            let passed = result.split(['.', ';']).find_map(|part| part.trim().strip_suffix(" passed")?.parse().ok())?;
            outcome = Some(Outcome { passed, failed: std::mem::take(&mut failed) });
            is_list = false;
        } else if let Some(name) = line.strip_prefix("    ").filter(|_| is_list) {
            failed.push(name.to_owned());
        } else if !line.is_empty() {
            is_list = false;
        }
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILING: &str = "
running 3 tests
test a ... ok
test b ... FAILED
test c ... ignored, needs root

failures:

---- b stdout ----
    indented by the test
failures:
    not a name

failures:
    b

test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s
";

    #[test]
    fn results_are_counted() {
        assert_eq!(outcome_of(FAILING), Some(Outcome { passed: 1, failed: vec!["b".into()] }));
        let passing =
            "running 2 tests\n..\ntest result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
        assert_eq!(outcome_of(passing), Some(Outcome { passed: 2, failed: Vec::new() }));
        assert_eq!(outcome_of("running 2 tests\ntest a ... "), None, "the harness was killed");
    }
}
