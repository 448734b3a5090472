//! `cargo xtask test`

use std::io;
use std::process::Command;

use clap::Args;

use crate::cli::Context;
use crate::diagnostic::{ExitCode, Failure, Report};

/// Options of `test`.
#[derive(Args, Debug)]
pub struct Options {
    /// Leave out what needs a built image: booting it, and other people's tools on its packages
    #[arg(long)]
    quick: bool,
}

/// A stage did not run or did not pass.
#[derive(Debug, thiserror::Error)]
enum TestError {
    #[error("cannot start cargo")]
    NoCargo(#[source] io::Error),
    #[error("the {stage} tests failed")]
    Failed { stage: &'static str },
}

impl Failure for TestError {}

/// Test binaries that need the image, told where it lies by this variable.
const SYSTEM_TESTS: [&str; 6] = ["boot", "interop_rpm", "interop_tdnf", "interop_disk", "interop_container", "interop_install"];

/// Runs every test: those of the code first, then an image is built and tried.
///
/// # Errors
/// The first stage that failed.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    cargo(context, "code", &["--workspace"], &[])?;
    if options.quick {
        return Ok(ExitCode::Done);
    }
    let code = super::build_iso::run(context, &super::build_iso::Options::named("minimal"))?;
    if code != ExitCode::Done {
        return Ok(code);
    }
    let names: Vec<&str> = SYSTEM_TESTS.iter().flat_map(|name| ["--test", name]).collect();
    let words: Vec<&str> = ["-p", "xtask"].into_iter().chain(names).collect();
    cargo(context, "system", &words, &["--ignored", "--nocapture", "--test-threads=1"])?;
    Ok(ExitCode::Done)
}

/// cargo itself runs tests, with its own output: whoever watches sees each test as it ends.
fn cargo(context: &Context<'_>, stage: &'static str, selection: &[&str], harness: &[&str]) -> Result<(), TestError> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(program)
        .args(["test", "--locked"])
        .args(selection)
        .arg("--")
        .args(harness)
        .current_dir(&context.root)
        .status()
        .map_err(TestError::NoCargo)?;
    if status.success() { Ok(()) } else { Err(TestError::Failed { stage }) }
}
