//! `cargo xtask bench [NAME…]`

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use crate::bench::{Bench, BenchError, Benchmark, Figure, table};
use crate::cli::Context;
use base::diagnostic::{ExitCode, Failure as _, Report};
use base::file_error::FileError;
use builder::project;

/// Options of `bench`.
#[derive(Args, Debug)]
pub struct Options {
    /// Benchmarks to run [default: all but install, leaf, kernel, latency, boot, debian, first, farm, farm-client and cold]
    #[arg(value_enum)]
    names: Vec<Benchmark>,
    /// The image: a file of `images/` without its `.toml`, or the path of an image file
    #[arg(long, default_value = well_known::MINIMAL)]
    image: String,
    /// Measure package managers with this signed repository instead of the image's
    #[arg(long, value_name = "DIR")]
    repository: Option<PathBuf>,
    /// Directory that `compose`, `tdnf` and `install` write to [default: a folder of the store]
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// Number of runs of each benchmark; figures are medians
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=99))]
    runs: u8,
    /// Number of builds of `farm` and `farm-client`, at least 50 [default: 400 and 10000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(50..=50_000))]
    steps: Option<u16>,
    /// Fail if a goal is missed
    #[arg(long)]
    strict: bool,
    /// File to write the figures to
    #[arg(long, short, value_name = "FILE", default_value = "out/bench.json")]
    output: PathBuf,
}

/// All figures, and the machine they were measured on.
#[derive(Serialize)]
struct Document<'a> {
    processors: usize,
    figures: &'a [Figure],
}

/// Measures, prints the figures and writes them to a file.
///
/// # Errors
/// Mistakes in specs or images. A benchmark that fails is reported and does not stop the others.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let image = project::load_image(&context.root, &options.image)?;
    let graph = context.graph()?;
    let store = context.store()?;
    let program = std::env::current_exe().map_err(|source| unusable("find", Path::new("xtask"), source))?;
    let builder = context.builder(&graph, &store)?;
    let mut bench = Bench {
        root: &context.root,
        program,
        builder,
        image: &image,
        repository: options.repository.clone(),
        scratch: options.scratch.clone(),
        runs: options.runs.into(),
        steps: options.steps.map(usize::from),
    };
    let names: BTreeSet<Benchmark> =
        if options.names.is_empty() { Benchmark::QUICK.into() } else { options.names.iter().copied().collect() };
    let (mut figures, mut failed) = (Vec::new(), None);
    for name in names {
        match name.run(&mut bench) {
            Ok(more) => figures.extend(more),
            Err(error) => {
                context.output.failure(&error);
                failed.get_or_insert(error.exit());
            }
        }
        if context.cancel.is_raised() {
            return Ok(ExitCode::Interrupted);
        }
    }
    let document = Document { processors: bench.builder.jobs, figures: &figures };
    write(&context.root.join(&options.output), &document)?;
    if context.output.is_json() {
        context.output.document(&document)
    } else {
        context.output.text(&table(&figures))
    }
    let is_missed = options.strict && figures.iter().any(|figure| figure.met == Some(false));
    Ok(failed.unwrap_or(if is_missed { ExitCode::Failed } else { ExitCode::Done }))
}

fn write(path: &Path, document: &Document<'_>) -> Result<(), BenchError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|source| unusable("make", folder, source))?;
    let mut text = serde_json::to_vec_pretty(document).map_err(|source| unusable("write", path, source.into()))?;
    text.push(b'\n');
    fs::write(path, text).map_err(|source| unusable("write", path, source))
}

fn unusable(operation: &'static str, path: &Path, source: std::io::Error) -> BenchError {
    BenchError::Io(FileError::new(operation, path, source))
}
