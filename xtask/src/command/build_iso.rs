//! `cargo xtask build-iso [IMAGE]`

use std::path::PathBuf;

use clap::Args;

use super::build_image;
use crate::cli::Context;
use crate::diagnostic::{ExitCode, Report};
use crate::image::Format;

/// Options of `build-iso`.
#[derive(Args, Debug)]
pub struct Options {
    /// The image: a file of `images/` without its `.toml`, or the path of an image file
    #[arg(default_value = "minimal")]
    image: String,
    /// Where the ISO is written [default: out/kaon-IMAGE.iso]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Options {
    /// The options that build the image `name` into its usual place.
    pub fn named(name: &str) -> Self {
        Self { image: name.to_owned(), output: None }
    }
}

/// Builds an image and all it needs, and puts its ISO into `out`.
///
/// # Errors
/// Mistakes in specs or images, whatever could not be built, composed or written.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    build_image::one(context, &options.image, Format::Iso, options.output.as_deref())
}
