//! `cargo xtask gc`

use clap::Args;

use crate::cli::Context;
use crate::diagnostic::{ExitCode, Report};

/// Options of `gc`.
#[derive(Args, Debug)]
pub struct Options {
    /// Show what would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,
}

/// Removes rubbish and what was not used for longest.
///
/// # Errors
/// When the store cannot be read.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let store = context.store()?;
    let swept = store.sweep(options.dry_run)?;
    let verb = if options.dry_run { "would remove" } else { "removed" };
    context.output.text(&format!("{verb} {} directories and files of dead builds, {} MiB\n", swept.items, swept.bytes >> 20));
    Ok(ExitCode::Done)
}
