//! `cargo xtask cache prune DIR`

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::Context;
use crate::command::select;
use base::diagnostic::{ExitCode, Report};
use base::digest::Digest;
use builder::plan_with;
use cache::{Pruned, Rules, prune};

/// Options of `cache prune`.
#[derive(Args, Debug)]
pub struct Options {
    /// The cache, as `cache export` writes it
    directory: PathBuf,
    /// Keep results that were added in the last so many days
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    keep_days: u64,
    /// Show what would be removed and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Seconds in a day.
const DAY_S: u64 = 86_400;

/// Removes old results, and files that no result names any more. Results of the specs as they are now stay, however old they are.
///
/// # Errors
/// Mistakes in the specs; when the directory is not a cache, or cannot be changed.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let graph = context.graph()?;
    let store = context.store()?;
    let builder = context.builder(&graph, &store)?;
    let (_, results) = plan_with(&builder, &select::packages(&graph, &[])?)?;
    let current: BTreeSet<Digest> = results.values().map(|result| result.key).collect();
    let inputs = builder.sdk.lock.layers.values().flat_map(|layer| &layer.packages).map(|package| package.sha256);
    let origins = graph.specs().flat_map(|(_, folder)| &folder.spec.sources).flat_map(|source| &source.origins);
    let files: BTreeSet<Digest> = inputs.chain(origins.map(|origin| *origin.sha256())).collect();
    let rules = Rules {
        results: &current,
        files: &files,
        age: Duration::from_secs(options.keep_days.saturating_mul(DAY_S)),
        is_trial: options.dry_run,
    };
    let Pruned { results, files, bytes } = prune(&options.directory, &rules)?;
    if context.output.is_json() {
        let document = serde_json::json!({ "results": results, "files": files, "bytes": bytes, "dry-run": options.dry_run });
        context.output.document(&document);
    } else {
        let done = if options.dry_run { "would be removed" } else { "removed" };
        let mib = bytes as f64 / f64::from(1 << 20);
        context.output.text(&format!("{}: {results} results and {files} files {done}, {mib:.1} MiB\n", options.directory.display()));
    }
    Ok(ExitCode::Done)
}
