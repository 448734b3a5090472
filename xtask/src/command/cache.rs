//! `cargo xtask cache`

mod check;
mod export;
mod trust;

use clap::{Args, Subcommand};

use crate::cli::Context;
use base::diagnostic::{ExitCode, Report};

/// Options of `cache`.
#[derive(Args, Debug)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Write what is built here, signed, into a directory that any file server can serve
    Export(export::Options),
    /// Show what caches have of the project, and what would still be built
    Check(check::Options),
    /// Believe a builder's results from now on
    Trust(trust::Options),
}

/// Runs the subcommand.
///
/// # Errors
/// Those of the subcommand.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    match &options.command {
        Command::Export(options) => export::run(context, options),
        Command::Check(options) => check::run(context, options),
        Command::Trust(options) => trust::run(context, options),
    }
}
