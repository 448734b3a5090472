//! `cargo xtask gc`

use std::fmt::Write as _;
use std::time::Duration;

use clap::Args;

use crate::cli::Context;
use base::diagnostic::{ExitCode, Report};
use builder::project;
use runtime::store::{Collected, Collection, Rules, StoreError, Swept};

/// Options of `gc`.
#[derive(Args, Debug)]
pub struct Options {
    /// Show what would be removed without removing it
    #[arg(long)]
    dry_run: bool,
    /// Keep everything stored within this many days, needed or not, because other checkouts may share the store
    #[arg(long, value_name = "DAYS", default_value_t = 7, conflicts_with = "all")]
    keep_days: u32,
    /// Keep only what this checkout needs
    #[arg(long)]
    all: bool,
}

/// Removes from the store what neither a spec nor an image of this project needs.
///
/// # Errors
/// Mistakes in specs or images, because then it is unknown what is needed; another builder is running. What cannot be removed is printed,
/// and the command fails after removing everything else.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let graph = context.graph()?;
    let images = project::load_images(&context.root)?;
    let store = context.store()?;
    let builder = context.builder(&graph, &store)?;
    let _alone = if options.dry_run { None } else { Some(store.alone()?) };
    let needs = builder::needs(&builder, &images)?;
    let days = if options.all { 0 } else { options.keep_days };
    let keep = Duration::from_secs(u64::from(days) * 24 * 60 * 60);
    let Collection { removed: collected, stayed } =
        store.collect(&needs, Rules { keep, dry_run: options.dry_run, trees_of: &builder::trees_of })?;
    if context.output.is_json() {
        context.output.document(
            &serde_json::json!({ "dry-run": options.dry_run, "removed": collected, "total": collected.total(), "stayed": stayed.len() }),
        );
    } else {
        context.output.text(&text(&collected, options.dry_run));
    }
    let code = if stayed.is_empty() { ExitCode::Done } else { ExitCode::Failed };
    stayed.into_iter().for_each(|error| context.output.failure(&StoreError::from(error)));
    Ok(code)
}

fn text(collected: &Collected, dry_run: bool) -> String {
    let parts = [
        ("results", collected.results),
        ("objects", collected.objects),
        ("trees", collected.trees),
        ("logs", collected.logs),
        ("leftovers of dead and failed builds", collected.scratch),
    ];
    let mut text = String::new();
    for (what, Swept { items, bytes }) in parts.into_iter().filter(|(_, part)| part.items > 0) {
        let _ = writeln!(text, "{items:7} {what}, {} MiB", bytes >> 20);
    }
    let total = collected.total();
    let verb = if dry_run { "would be freed" } else { "freed" };
    let _ = writeln!(text, "{} MiB {verb}", total.bytes >> 20);
    text
}
