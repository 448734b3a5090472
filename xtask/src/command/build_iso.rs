//! `cargo xtask build-iso [IMAGE]`

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::build::show_failed_builds;
use crate::cli::Context;
use crate::diagnostic::{ExitCode, Report};
use crate::project;
use crate::store::{Store, StoreError};
use crate::workshop::{self, ImageError, ImageResult};

/// Options of `build-iso`.
#[derive(Args, Debug)]
pub struct Options {
    /// The image: a file of `images/` without its `.toml`
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
    let image = project::load_image(&context.root, &options.image)?;
    let graph = context.graph()?;
    let store = context.store()?;
    let mut workshop = context.workshop(&graph, &store)?;
    let result = workshop::build_image(&mut workshop, &image).inspect_err(|error| {
        if let ImageError::Build(failure) = error {
            show_failed_builds(context, failure);
        }
    })?;
    let default = PathBuf::from(format!("out/kaon-{}.iso", image.name));
    let path = context.root.join(options.output.as_ref().unwrap_or(&default));
    place(&store, &result, &path)?;
    report(context, &result, &path);
    Ok(ExitCode::Done)
}

/// Puts the ISO where it was wanted: as a link to the store's file where that is possible, else as a copy; whole or not at all.
fn place(store: &Store, result: &ImageResult, path: &Path) -> Result<(), StoreError> {
    let object = store.verified(&result.iso)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|source| StoreError::io("make", folder, source))?;
    let scratch =
        tempfile::Builder::new().prefix(".kaon-").tempdir_in(folder).map_err(|source| StoreError::io("write in", folder, source))?;
    let waiting = scratch.path().join("image.iso");
    if fs::hard_link(&object, &waiting).is_err() {
        fs::copy(&object, &waiting).map_err(|source| StoreError::io("write", &waiting, source))?;
    }
    fs::rename(&waiting, path).map_err(|source| StoreError::io("write", path, source))
}

fn report(context: &Context<'_>, result: &ImageResult, path: &Path) {
    if context.output.is_json() {
        context.output.document(&serde_json::json!({ "path": path, "result": result }));
        return;
    }
    let shown = path.strip_prefix(&context.root).unwrap_or(path);
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    context.output.text(&format!(
        "{}: {} MiB, {} packages, {} MiB installed\nsha256 {}\n",
        shown.display(),
        mib(result.iso_bytes),
        result.packages.len(),
        mib(result.rootfs_bytes),
        result.iso
    ));
}
