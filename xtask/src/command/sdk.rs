//! `cargo xtask sdk …`

use std::fmt::Write as _;

use clap::{Args, Subcommand};

use crate::cli::Context;
use crate::diagnostic::{ExitCode, Report};
use crate::sdk::Sdk;

/// Options of `sdk`.
#[derive(Args, Debug)]
pub struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Show the layers and how they stand
    Status,
    /// Fetch and unpack all layers
    Fetch,
    /// Take the current packages of the archive into `specs/sdk.lock`
    Update,
}

/// Does what was asked.
///
/// # Errors
/// What could not be read, fetched or written.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let store = context.store()?;
    let mut sdk = Sdk::load(&context.root)?;
    match options.action {
        Action::Status => {
            let mut text = String::new();
            for layer in sdk.status(&store) {
                let state = match (layer.is_locked, &layer.tree) {
                    (false, _) => "not locked",
                    (true, None) => "not fetched",
                    (true, Some(_)) => "at hand",
                };
                let _ = writeln!(
                    text,
                    "{:8} {:11} {:4} packages {:4} MiB  {}",
                    layer.name.to_string(),
                    state,
                    layer.packages,
                    layer.size_bytes >> 20,
                    layer.summary
                );
            }
            context.output.text(&text);
        }
        Action::Fetch => {
            let layers = sdk.layers();
            sdk.ensure(&store, &context.settings(), &layers, &*context.reporter, &context.cancel)?;
        }
        Action::Update => {
            let changes = sdk.update(&store, &context.settings(), &context.cancel)?;
            context.output.text(&changes.iter().map(|change| format!("{change}\n")).collect::<String>());
        }
    }
    Ok(ExitCode::Done)
}
