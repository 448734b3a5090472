//! `cargo xtask legal-info [IMAGE]`

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::Context;
use crate::output;
use base::diagnostic::{ExitCode, Report};
use builder::legal::{self, LegalError, WithSources, Written};
use builder::project;

/// Options of `legal-info`.
#[derive(Args, Debug)]
pub struct Options {
    /// The image: a file of `images/` without its `.toml`, or the path of an image file
    #[arg(default_value = well_known::MINIMAL)]
    image: String,
    /// Directory to write; an earlier one is replaced [default: out/kaon-IMAGE-legal-info]
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Leave the sources out; the manifest still lists them with their digests
    #[arg(long)]
    no_sources: bool,
}

/// Writes the licences, licence texts and sources of all packages of an image, which is built first if necessary.
///
/// # Errors
/// Mistakes in specs or images, whatever could not be built, fetched, read or written.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let image = project::load_image(&context.root, &options.image)?;
    let usual = || PathBuf::from(format!("out/kaon-{}-legal-info", image.name));
    let folder = context.root.join(options.output.clone().unwrap_or_else(usual));
    let graph = context.graph()?;
    let store = context.store()?;
    let mut builder = context.caching_builder(&graph, &store)?;
    legal::check_place(&folder).map_err(LegalError::from)?;
    output::prepare(folder.parent().unwrap_or(&context.root))?;
    let result = builder::build_image(&mut builder, &image, &BTreeSet::new())?;
    let with_sources = if options.no_sources { WithSources::Named } else { WithSources::Included };
    let written = legal::legal_info(&builder, &image, &result, with_sources, &folder).inspect_err(|error| tell(context, error))?;
    report(context, &folder, &written);
    Ok(ExitCode::Done)
}

/// Prints the failures that the error only counts.
fn tell(context: &Context<'_>, error: &LegalError) {
    if let LegalError::Sources(failures) = error {
        failures.iter().for_each(|failure| context.output.failure(failure));
    }
}

fn report(context: &Context<'_>, folder: &Path, written: &Written) {
    if context.output.is_json() {
        context.output.document(&serde_json::json!({ "folder": folder, "written": written }));
        return;
    }
    let shown = folder.strip_prefix(&context.root).unwrap_or(folder).display();
    let Written { packages, license_texts, sources, size_bytes } = written;
    let mib = size_bytes.div_ceil(1 << 20);
    context.output.text(&format!("{shown}: {packages} packages, {license_texts} licence texts, {sources} sources, {mib} MiB\n"));
}
