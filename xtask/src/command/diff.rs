//! `cargo xtask diff A B`

use clap::Args;

use super::inspect::find;
use crate::cli::Context;
use base::diagnostic::{ExitCode, Report};
use rootfs::contents::diff;

/// Options of `diff`.
#[derive(Args, Debug)]
pub struct Options {
    /// The first image: a file of `images/` without its `.toml`, or a `.contents.json` kept from a build
    before: String,
    /// The second image
    after: String,
}

/// Shows what differs between two images: packages, files, sizes, privileges, units and the kernel's options.
///
/// # Errors
/// When an image cannot be built, or a file cannot be read.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    // Both are found before either is built, which may take long.
    let (before, after) = (find(context, &options.before)?, find(context, &options.after)?);
    let difference = diff(&before.contents(context)?, &after.contents(context)?);
    if context.output.is_json() {
        context.output.document(&difference);
    } else {
        context.output.text(&difference.to_string());
    }
    Ok(ExitCode::Done)
}
