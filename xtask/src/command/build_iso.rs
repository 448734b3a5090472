//! `cargo xtask build-iso [IMAGE]`

use std::path::PathBuf;

use clap::Args;

use super::build_image;
use crate::cli::Context;
use base::diagnostic::{ExitCode, Report};
use builder::project;
use image::description::Format;
use image::variant;

/// Options of `build-iso`.
#[derive(Args, Debug)]
pub struct Options {
    /// The image: a file of `images/` without its `.toml`, or the path of an image file
    #[arg(default_value = well_known::MINIMAL)]
    image: String,
    /// File to write the ISO to [default: out/kaon-IMAGE.iso]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Make an ISO that installs unattended as this kickstart file describes, on any machine that starts from it
    #[arg(long, value_name = "FILE")]
    kickstart: Option<PathBuf>,
    /// Make an ISO that runs only this container, an archive written by `docker save`; the machine powers off when it exits
    #[arg(long, value_name = "FILE", conflicts_with = "kickstart")]
    container: Option<PathBuf>,
}

/// Builds an image and everything it needs, and writes its ISO to `out`.
///
/// # Errors
/// Mistakes in specs or images, whatever could not be built, composed or written.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let mut image = project::load_image(&context.root, &options.image)?;
    if let Some(path) = &options.kickstart {
        let variant::Unattended { image: unattended, notes } = variant::kickstart(image, path)?;
        notes.iter().for_each(|note| context.reporter.warn(note));
        image = unattended;
    }
    if let Some(path) = &options.container {
        image = variant::container(image, path)?;
    }
    build_image::one(context, &image, Format::Iso, options.output.as_deref())
}
