//! `cargo xtask build-ova [IMAGE]`

use std::path::PathBuf;

use clap::Args;

use super::build_image;
use crate::cli::Context;
use base::diagnostic::{ExitCode, Report};
use builder::project;
use image::description::Format;

/// Options of `build-ova`.
#[derive(Args, Debug)]
pub struct Options {
    /// The image: a file of `images/` without its `.toml`, or the path of an image file
    #[arg(default_value = well_known::MINIMAL)]
    image: String,
    /// File to write the OVA to [default: out/kaon-IMAGE.ova]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Builds an image and everything it needs, and writes its OVA to `out`.
///
/// # Errors
/// Mistakes in specs or images, whatever could not be built, composed or written.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    build_image::one(context, &project::load_image(&context.root, &options.image)?, Format::Ova, options.output.as_deref())
}
