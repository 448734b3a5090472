//! `cargo xtask cache`

mod check;
mod export;
mod forget;
mod place;
mod prune;
mod push;
mod serve;
mod trust;
mod verify;

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
    /// Send what is built here, signed, to a server or directory that lacks it
    Push(push::Options),
    /// Serve a directory as a cache over HTTP until interrupted
    Serve(serve::Options),
    /// Show what caches have of the project, and what would still be built
    Check(check::Options),
    /// Build results of others again and compare: do caches tell the truth?
    Verify(verify::Options),
    /// Believe a builder's results from now on
    Trust(trust::Options),
    /// Stop believing a builder, and drop what only that builder vouched for
    Forget(forget::Options),
    /// Remove old results from a directory
    Prune(prune::Options),
}

/// Runs the subcommand.
///
/// # Errors
/// Those of the subcommand.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    match &options.command {
        Command::Export(options) => export::run(context, options),
        Command::Push(options) => push::run(context, options),
        Command::Serve(options) => serve::run(context, options),
        Command::Check(options) => check::run(context, options),
        Command::Verify(options) => verify::run(context, options),
        Command::Trust(options) => trust::run(context, options),
        Command::Forget(options) => forget::run(context, options),
        Command::Prune(options) => prune::run(context, options),
    }
}
