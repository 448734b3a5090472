//! `cargo xtask completions SHELL`

use clap::{Args, CommandFactory as _};
use clap_complete::{Shell, generate};

use crate::cli::Arguments;
use crate::diagnostic::{ExitCode, Report};

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
pub fn run(options: &Options) -> Result<ExitCode, Report> {
    generate(options.shell, &mut Arguments::command(), "xtask", &mut std::io::stdout());
    Ok(ExitCode::Done)
}
