//! `cargo xtask cache push`

use std::time::Instant;

use clap::Args;

use super::export::{What, write};
use super::place::place;
use crate::cli::Context;
use base::diagnostic::{ExitCode, Failure, Report};
use runtime::progress::{Event, Outcome};

/// Options of `cache push`.
#[derive(Args, Debug)]
pub struct Options {
    /// Cache to write to: its address, or its name in cache.toml [default: the caches with `push = true`]
    #[arg(long = "to", value_name = "CACHE")]
    caches: Vec<String>,
    #[command(flatten)]
    what: What,
}

/// No cache to write to.
#[derive(Debug, thiserror::Error)]
#[error("there is no cache to write to")]
struct NoCache;

impl Failure for NoCache {
    fn hint(&self) -> Option<String> {
        Some("name one with `--to`, or set `push = true` for a cache in cache.toml".into())
    }

    fn exit(&self) -> ExitCode {
        ExitCode::Usage
    }
}

/// Adds what is built here to caches, as far as they lack it.
///
/// # Errors
/// As those of `cache export`; when a server does not take files.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let settings = context.trust()?;
    let chosen = if options.caches.is_empty() { settings.pushed() } else { settings.chosen(&options.caches)? };
    if chosen.is_empty() {
        return Err(NoCache.into());
    }
    for (name, cache) in &chosen {
        let (unit, begun) = (format!("cache {name}"), Instant::now());
        let place = place(context, cache, &unit)?;
        context.reporter.event(Event::Started { unit: unit.clone() });
        if let Err(report) = write(context, &*place, name, &options.what) {
            context.reporter.failed(unit, "it was not written");
            return Err(report);
        }
        let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        context.reporter.event(Event::Finished { unit, outcome: Outcome::Built, elapsed_ms });
    }
    Ok(ExitCode::Done)
}
