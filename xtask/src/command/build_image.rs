//! `cargo xtask build-image IMAGE --format …`

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::Context;
use crate::output;
use base::diagnostic::{ExitCode, Report};
use builder::ImageResult;
use builder::project;
use image::description::{Format, FormatChoice, Image};

/// Options of `build-image`.
#[derive(Args, Debug)]
pub struct Options {
    /// The image: a file of `images/` without its `.toml`, or the path of an image file
    #[arg(default_value = well_known::MINIMAL)]
    image: String,
    /// Formats to write, separated by commas: iso, pxe, raw, qcow2, vmdk, vhd, ova, ami, azure, gce, tar, oci, docker; or all
    #[arg(long, short, value_name = "FORMATS", value_delimiter = ',', required = true)]
    format: Vec<FormatChoice>,
    /// Directory to write them to [default: out]
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
}

impl Options {
    /// The options to build the image `name` in these formats with default paths.
    pub fn of(name: &str, formats: &[Format]) -> Self {
        Self { image: name.to_owned(), format: formats.iter().copied().map(FormatChoice::One).collect(), output: None }
    }
}

/// Builds an image and everything it needs, and writes it to `out` in the requested formats.
///
/// # Errors
/// Mistakes in specs or images, whatever could not be built, composed or written.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let folder = context.root.join(options.output.as_deref().unwrap_or(Path::new("out")));
    let image = project::load_image(&context.root, &options.image)?;
    let formats: BTreeSet<Format> = options.format.iter().flat_map(|choice| choice.formats(image.kernel.is_some())).collect();
    let place = |format: Format| folder.join(format.file_name(image.name.as_str()));
    build(context, &image, &formats, place)
}

/// Builds an image in one format, and writes it to `path` or the default path.
///
/// # Errors
/// As for [`run`].
pub fn one(context: &Context<'_>, image: &Image, format: Format, path: Option<&Path>) -> Result<ExitCode, Report> {
    let usual = |format: Format| Path::new("out").join(format.file_name(image.name.as_str()));
    build(context, image, &[format].into(), |format| context.root.join(path.map_or_else(|| usual(format), Path::to_owned)))
}

fn build(context: &Context<'_>, image: &Image, formats: &BTreeSet<Format>, place: impl Fn(Format) -> PathBuf) -> Result<ExitCode, Report> {
    let graph = context.graph()?;
    let store = context.store()?;
    let mut builder = context.caching_builder(&graph, &store)?;
    formats.iter().filter_map(|format| place(*format).parent().map(Path::to_owned)).try_for_each(|folder| output::prepare(&folder))?;
    let result = builder::build_image(&mut builder, image, formats)?;
    let mut paths = Vec::new();
    for (format, artifact) in &result.artifacts {
        let path = place(*format);
        output::place(&store, &artifact.object, &path, format.is_writable())?;
        paths.push((*format, path));
    }
    let folder = paths.first().and_then(|(_, path)| path.parent()).unwrap_or(&context.root);
    for document in builder::documents(&builder, image, &result)? {
        output::write(&folder.join(&document.name), &document.bytes)?;
    }
    report(context, &result, &paths);
    Ok(ExitCode::Done)
}

fn report(context: &Context<'_>, result: &ImageResult, paths: &[(Format, PathBuf)]) {
    if context.output.is_json() {
        let paths: std::collections::BTreeMap<String, &PathBuf> = paths.iter().map(|(format, path)| (format.to_string(), path)).collect();
        context.output.document(&serde_json::json!({ "paths": paths, "result": result }));
        return;
    }
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    let installed = format!("{} packages, {} MiB installed", result.root.packages.len(), mib(result.root.size_bytes));
    for (format, path) in paths {
        let shown = path.strip_prefix(&context.root).unwrap_or(path).display();
        let artifact = &result.artifacts[format];
        context.output.text(&format!("{shown}: {} MiB, {installed}\nsha256 {}\n", mib(artifact.size_bytes), artifact.object));
    }
}
