//! `cargo xtask inspect IMAGE`

use std::path::Path;

use clap::Args;

use crate::cli::Context;
use base::diagnostic::{ExitCode, Failure, Report};
use builder::project;
use image::description::Image;
use rootfs::contents::{Contents, summary};

/// Options of `inspect`.
#[derive(Args, Debug)]
pub struct Options {
    /// The image: a file of `images/` without its `.toml`, or a `.contents.json` kept from a build
    #[arg(default_value = well_known::MINIMAL)]
    image: String,
    /// Number of largest files to show
    #[arg(long, value_name = "N", default_value_t = 20)]
    files: usize,
}

/// The file does not describe an image's contents.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the contents of an image from `{path}`")]
struct NoContents {
    path: String,
    source: std::io::Error,
}

impl Failure for NoContents {
    fn hint(&self) -> Option<String> {
        Some("`build-image` writes such a file next to an image, as out/kaon-NAME.contents.json".into())
    }

    fn exit(&self) -> ExitCode {
        ExitCode::Usage
    }
}

/// Shows the contents of an image, by size.
///
/// # Errors
/// When the image cannot be built, or the file cannot be read.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let found = summary(&find(context, &options.image)?.contents(context)?, options.files);
    if context.output.is_json() {
        context.output.document(&found);
    } else {
        context.output.text(&found.to_string());
    }
    Ok(ExitCode::Done)
}

/// An image or recorded contents.
pub enum Subject {
    /// An image, which is built if necessary.
    Image(Box<Image>),
    /// Contents recorded by a build.
    Kept(Box<Contents>),
}

/// Finds an image by its name or its file, or reads recorded contents from a file. Does not build anything.
///
/// # Errors
/// When there is no such image, or the file cannot be read.
pub fn find(context: &Context<'_>, name: &str) -> Result<Subject, Report> {
    if !name.ends_with(".toml") && (name.contains('/') || name.ends_with(".json")) {
        let read = || serde_json::from_slice(&std::fs::read(Path::new(name))?).map_err(std::io::Error::from);
        return Ok(Subject::Kept(Box::new(read().map_err(|source| NoContents { path: name.to_owned(), source })?)));
    }
    Ok(Subject::Image(Box::new(project::load_image(&context.root, name)?)))
}

impl Subject {
    /// The contents.
    ///
    /// # Errors
    /// When the image cannot be built.
    pub fn contents(self, context: &Context<'_>) -> Result<Contents, Report> {
        let image = match self {
            Self::Kept(contents) => return Ok(*contents),
            Self::Image(image) => image,
        };
        let graph = context.graph()?;
        let store = context.store()?;
        let mut builder = context.caching_builder(&graph, &store)?;
        Ok(builder::image_contents(&mut builder, &image)?)
    }
}
