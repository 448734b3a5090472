//! `cargo xtask completions SHELL`

use clap::{Args, CommandFactory as _};
use clap_complete::{Shell, generate};

use crate::cli::{Arguments, Output};
use base::diagnostic::{ExitCode, Report};

/// Options of `completions`.
#[derive(Args, Debug)]
pub struct Options {
    /// The shell
    shell: Shell,
}

/// Prints the script.
///
/// # Errors
/// None.
pub fn run(options: &Options, output: &Output) -> Result<ExitCode, Report> {
    let mut script = Vec::new();
    generate(options.shell, &mut Arguments::command(), "xtask", &mut script);
    output.file(&script);
    Ok(ExitCode::Done)
}
