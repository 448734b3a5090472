//! `cargo xtask sdk …`

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::cli::Context;
use base::diagnostic::{ExitCode, Report};
use runtime::store::TreeState;
use sdk::{LayerName, LayerStatus, Sdk};

/// Options of `sdk`.
#[derive(Args, Debug)]
pub struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Show the layers and their state
    Status,
    /// Fetch and unpack all layers
    Fetch {
        /// Fetch only these layers, and those that they stand on
        #[arg(value_name = "LAYER")]
        layers: Vec<LayerName>,
    },
    /// Update `specs/sdk.lock` to the current packages of the archive
    Update {
        /// Update only these layers, and those that stand on them
        #[arg(value_name = "LAYER")]
        layers: Vec<LayerName>,
    },
}

/// Runs the action.
///
/// # Errors
/// Whatever could not be read, fetched or written.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let store = context.store()?;
    let mut sdk = Sdk::load(&context.root)?;
    match &options.action {
        Action::Status => show_status(context, &sdk.status(&store)),
        Action::Fetch { layers } => {
            let layers = if layers.is_empty() { sdk.layers() } else { layers.clone() };
            sdk.ensure(&store, &context.settings(), &layers, &*context.reporter, &context.cancel)?;
            if context.output.is_json() {
                show_status(context, &sdk.status(&store));
            }
        }
        Action::Update { layers } => {
            let changes = sdk.update(&store, &context.settings(), layers, &context.cancel)?;
            if context.output.is_json() {
                context.output.document(&serde_json::json!({ "changes": changes }));
            } else {
                context.output.text(&changes.iter().map(|change| format!("{change}\n")).collect::<String>());
            }
        }
    }
    Ok(ExitCode::Done)
}

/// The state of a layer.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    NotLocked,
    NotFetched,
    Damaged,
    AtHand,
}

impl State {
    fn of(layer: &LayerStatus) -> Self {
        match (layer.is_locked, &layer.tree) {
            (false, _) => Self::NotLocked,
            (true, TreeState::Missing) => Self::NotFetched,
            (true, TreeState::Damaged) => Self::Damaged,
            (true, TreeState::Whole(_)) => Self::AtHand,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::NotLocked => "not locked",
            Self::NotFetched => "not fetched",
            Self::Damaged => "damaged",
            Self::AtHand => "at hand",
        }
    }
}

fn show_status(context: &Context<'_>, layers: &[LayerStatus]) {
    if layers.iter().any(|layer| layer.tree == TreeState::Damaged) {
        context
            .reporter
            .warn("files of a damaged layer are missing or changed: `cargo xtask sdk fetch` or the next build creates it again");
    }
    if context.output.is_json() {
        let document = |layer: &LayerStatus| {
            serde_json::json!({
                "name": layer.name.to_string(), "state": State::of(layer), "packages": layer.packages,
                "size-bytes": layer.size_bytes, "summary": layer.summary, "tree": layer.tree.path(),
            })
        };
        return context.output.document(&layers.iter().map(document).collect::<Vec<_>>());
    }
    let mut text = String::new();
    for layer in layers {
        let (name, state, mib) = (layer.name.to_string(), State::of(layer).as_str(), layer.size_bytes >> 20);
        let _ = writeln!(text, "{name:8} {state:11} {:4} packages {mib:4} MiB  {}", layer.packages, layer.summary);
    }
    context.output.text(&text);
}
