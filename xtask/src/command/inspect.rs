//! `cargo xtask inspect IMAGE`

use std::path::Path;

use clap::Args;

use crate::cli::Context;
use crate::contents::{Contents, summary};
use crate::diagnostic::{ExitCode, Failure, Report};
use crate::{project, workshop};

/// Options of `inspect`.
#[derive(Args, Debug)]
pub struct Options {
    /// The image: a file of `images/` without its `.toml`, or a `.contents.json` kept from a build
    #[arg(default_value = "minimal")]
    image: String,
    /// How many of the largest files to show
    #[arg(long, value_name = "N", default_value_t = 20)]
    files: usize,
}

/// A file that tells no image's contents.
#[derive(Debug, thiserror::Error)]
#[error("`{path}` does not tell what is in an image")]
struct NoContents {
    path: String,
    source: std::io::Error,
}

impl Failure for NoContents {
    fn hint(&self) -> Option<String> {
        Some("`build-image` writes such a file beside an image, as out/kaon-NAME.contents.json".into())
    }

    fn exit(&self) -> ExitCode {
        ExitCode::Usage
    }
}

/// Shows what is in an image, by size.
///
/// # Errors
/// When the image cannot be built, or the file not be read.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let found = summary(&contents(context, &options.image)?, options.files);
    if context.output.is_json() {
        context.output.document(&found);
    } else {
        context.output.text(&found.to_string());
    }
    Ok(ExitCode::Done)
}

/// What is in an image, by its name or from a file that was kept.
///
/// # Errors
/// As [`run`].
pub fn contents(context: &Context<'_>, image: &str) -> Result<Contents, Report> {
    if image.contains('/') || image.ends_with(".json") {
        let read = || serde_json::from_slice(&std::fs::read(Path::new(image))?).map_err(std::io::Error::from);
        return Ok(read().map_err(|source| NoContents { path: image.to_owned(), source })?);
    }
    let image = project::load_image(&context.root, image)?;
    let graph = context.graph()?;
    let store = context.store()?;
    let mut workshop = context.workshop(&graph, &store)?;
    Ok(workshop::image_contents(&mut workshop, &image)?)
}
