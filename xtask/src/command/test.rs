//! `cargo xtask test`

use std::io;
use std::process::Command;

use clap::Args;

use super::build_image;
use crate::cli::Context;
use crate::diagnostic::{ExitCode, Failure, Report};
use crate::image::Format;

/// Options of `test`.
#[derive(Args, Debug)]
pub struct Options {
    /// Leave out what needs a built image: booting it, and other people's tools on its packages
    #[arg(long)]
    quick: bool,
    /// Start the image in every way there is, not only in a choice of them that covers firmware, media and devices
    #[arg(long, conflicts_with = "quick")]
    all_boots: bool,
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

/// The forms of the image that are started.
const FORMATS: [Format; 5] = [Format::Iso, Format::Pxe, Format::Raw, Format::Qcow2, Format::Ova];

/// Test binaries that need the image or the SDK.
const SYSTEM_TESTS: [&str; 10] = [
    "boot",
    "asked",
    "interop_rpm",
    "interop_tdnf",
    "interop_solver",
    "interop_disk",
    "interop_container",
    "interop_install",
    "interop_provenance",
    "interop_cut",
];

/// Runs every test: those of the code first, then an image is built and tried.
///
/// # Errors
/// The first stage that failed.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    cargo(context, "code", &["--workspace"], &[])?;
    if options.quick {
        return Ok(ExitCode::Done);
    }
    let code = build_image::run(context, &build_image::Options::of("minimal", &FORMATS))?;
    if code != ExitCode::Done {
        return Ok(code);
    }
    let names: Vec<&str> = SYSTEM_TESTS.iter().flat_map(|name| ["--test", name]).collect();
    let words: Vec<&str> = ["-p", "xtask"].into_iter().chain(names).collect();
    let left_out: &[&str] = if options.all_boots { &[] } else { &["--skip", "all_boots::"] };
    cargo(context, "system", &words, &[&["--ignored", "--nocapture", "--test-threads=1"], left_out].concat())?;
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
