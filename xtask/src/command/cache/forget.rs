//! `cargo xtask cache forget NAME`

use std::fs;
use std::io;

use clap::Args;

use crate::cli::Context;
use crate::output;
use base::diagnostic::{ExitCode, Failure, Report};
use base::file_error::FileError;
use cache::settings::{FILE, without_builder};
use text::did_you_mean;

/// Options of `cache forget`.
#[derive(Args, Debug)]
pub struct Options {
    /// The builder's name in cache.toml
    builder: String,
    /// Show what would be dropped and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// The builder is not known.
#[derive(Debug, thiserror::Error)]
#[error("no cache.toml names a builder `{name}`, and no result is signed by it")]
struct Unknown {
    name: String,
    known: Vec<String>,
}

impl Failure for Unknown {
    fn hint(&self) -> Option<String> {
        did_you_mean(&self.name, self.known.iter().map(String::as_str)).or_else(|| match &self.known[..] {
            [] => Some("no builder is trusted here".into()),
            known => Some(format!("builders that are trusted here: {}", known.join(", "))),
        })
    }

    fn exit(&self) -> ExitCode {
        ExitCode::Usage
    }
}

/// Removes a builder from the user's settings, and the results that no other trusted builder signed from the store. What is built on them is
/// then planned anew by itself.
///
/// # Errors
/// When the builder is not known, the settings cannot be written, or the store fails.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let name = &options.builder;
    let path = context.trust_folder()?.join(FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(FileError::new("read", path, source).into()),
    };
    let shortened = without_builder(&text, name);
    let settings = context.trust()?;
    let store = context.store()?;
    let dropped = builder::vouched_by_only(&store, name)?;
    if !settings.builders.contains_key(name) && dropped.is_empty() {
        return Err(Unknown { name: name.clone(), known: settings.builders.keys().cloned().collect() }.into());
    }
    if !options.dry_run {
        if let Some(shortened) = &shortened {
            output::rewrite(&path, shortened.as_bytes())?;
        }
        for (key, _) in &dropped {
            store.forget_result(key)?;
        }
    }
    if shortened.is_none() && settings.builders.contains_key(name) {
        context.reporter.warn(format!("`{name}` is trusted by {FILE} of the project; remove `[builder.{name}]` there as well"));
    }
    let specs: Vec<&str> = dropped.iter().map(|(_, spec)| spec.as_str()).collect();
    if context.output.is_json() {
        context.output.document(&serde_json::json!({ "builder": name, "results": specs, "dry-run": options.dry_run }));
    } else {
        let list = if specs.is_empty() { String::new() } else { format!(": {}", specs.join(", ")) };
        let done = if options.dry_run { "would be dropped" } else { "dropped" };
        context.output.text(&format!("{} results that only {name} vouched for {done}{list}\n", specs.len()));
    }
    Ok(ExitCode::Done)
}
