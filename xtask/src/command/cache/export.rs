//! `cargo xtask cache export DIR`

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::Context;
use crate::command::select;
use base::diagnostic::{ExitCode, Failure, Report};
use base::digest::Digest;
use builder::{Builder, plan_with};
use cache::place::{Folder, Place};
use cache::settings::is_builder_name;
use cache::{BUILDER_FILE, BuilderName, Exported, Publisher, export};
use planning::action::{BuildResult, Results};
use runtime::sandbox::Isolation;
use signing::StatementKey;

/// Options of `cache export`.
#[derive(Args, Debug)]
pub struct Options {
    /// Directory to write to; what is there already stays
    directory: PathBuf,
    #[command(flatten)]
    what: What,
}

/// What is written into a cache, and by whom.
#[derive(Args, Debug)]
pub struct What {
    /// Packages whose results are written, with everything they need [default: all]
    packages: Vec<String>,
    /// Add the files that builds start from as well
    #[arg(long, value_delimiter = ',', value_name = "WHAT")]
    with: Vec<With>,
    /// The name that others know this builder by [default: as in the cache, or the first digits of its key]
    #[arg(long)]
    name: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum With {
    /// Source archives
    Sources,
    /// Packages of the SDK
    Sdk,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
enum NothingToExport {
    #[error("nothing that was asked for is built here")]
    NotBuilt,
    #[error("results of the weaker sandbox are not for others")]
    Weak,
    #[error("`{address}` is the address of a server, not a directory")]
    Server { address: String },
    #[error("`{name}` is not a name for a builder: it may have letters, digits, `-` and `_`")]
    BadName { name: String },
}

impl Failure for NothingToExport {
    fn hint(&self) -> Option<String> {
        match self {
            Self::NotBuilt => Some("`cargo xtask build` builds all packages".into()),
            Self::Weak => Some("leave out `--sandbox chroot`: what namespaces isolate is exported".into()),
            Self::Server { address } => Some(format!("`cargo xtask cache push --to {address}` sends results to a server")),
            Self::BadName { .. } => None,
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::NotBuilt => ExitCode::Failed,
            Self::Weak | Self::BadName { .. } | Self::Server { .. } => ExitCode::Usage,
        }
    }
}

/// Writes a cache into a directory.
///
/// # Errors
/// Mistakes in the specs, unknown names, nothing built, whatever cannot be read or written.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let shown = options.directory.display().to_string();
    if shown.contains("://") {
        return Err(NothingToExport::Server { address: shown }.into());
    }
    write(context, &Folder::new(&options.directory), &shown, &options.what)
}

/// Adds what is built here to the cache at `place`, which is called `shown`.
///
/// # Errors
/// As those of [`run`].
pub(super) fn write(context: &Context<'_>, place: &dyn Place, shown: &str, what: &What) -> Result<ExitCode, Report> {
    if Isolation::selected() != Isolation::Namespaces {
        return Err(NothingToExport::Weak.into());
    }
    let graph = context.graph()?;
    let packages = select::packages(&graph, &what.packages)?;
    let store = context.store()?;
    let builder = context.builder(&graph, &store)?;
    let (plan, results) = plan_with(&builder, &packages)?;
    // What others built is theirs to sign.
    let own: Vec<&BuildResult> = results.values().map(|result| &**result).filter(|result| result.shared.is_none()).collect();
    if own.is_empty() {
        return Err(NothingToExport::NotBuilt.into());
    }
    let key = StatementKey::open_or_create(&builder.keys)?;
    let usual = format!("kaon-{}", &key.id()[..8]);
    let name = match &what.name {
        Some(name) if is_builder_name(name) => BuilderName::Chosen(name),
        Some(name) => return Err(NothingToExport::BadName { name: name.clone() }.into()),
        None => BuilderName::Usual(&usual),
    };
    let publisher = Publisher { name, key: &key, modules: builder.kernels.own_certificate() };
    let exported = export(place, &own, &objects(&builder, &results, &what.with), &store, &publisher, &context.cancel)?;
    // What others built may be known without its packages, which is no reason to build it.
    let missing = plan.steps.iter().filter(|step| step.state.is_work() && !results.contains_key(&step.spec)).count();
    if missing > 0 {
        context.reporter.warn(format!("{missing} of {} specs are not built here, and so are not in the cache", plan.steps.len()));
    }
    report(context, shown, &key, &exported);
    Ok(ExitCode::Done)
}

/// Files of the store that builds of these results start from, if they are in the store.
fn objects(builder: &Builder<'_>, results: &Results, with: &[With]) -> BTreeSet<Digest> {
    let mut wanted = BTreeSet::new();
    if with.contains(&With::Sources) {
        let specs = results.keys().filter_map(|spec| builder.graph.spec(spec));
        let origins = specs.flat_map(|folder| &folder.spec.sources).flat_map(|source| &source.origins);
        wanted.extend(origins.map(|origin| *origin.sha256()));
    }
    if with.contains(&With::Sdk) {
        wanted.extend(builder.sdk.lock.layers.values().flat_map(|layer| &layer.packages).map(|package| package.sha256));
    }
    wanted.retain(|object| builder.store.object(object).is_some());
    wanted
}

fn report(context: &Context<'_>, shown: &str, key: &StatementKey, exported: &Exported) {
    let Exported { results, present, files, bytes, builder, renamed } = exported;
    if let Some(renamed) = renamed {
        context.reporter.warn(format!("this builder was called `{renamed}` in the cache, and is `{builder}` from now on"));
    }
    if context.output.is_json() {
        context.output.document(&serde_json::json!({
            "cache": shown, "builder": builder, "key": key.id(), "results": results, "present": present, "files": files, "bytes": bytes,
        }));
        return;
    }
    let mib = *bytes as f64 / f64::from(1 << 20);
    context.output.text(&format!(
        "{shown}: {results} results added, {present} were there; {files} files, {mib:.1} MiB\nsigned by {builder}, key {}\nothers trust it with: cargo xtask cache trust ADDRESS/{BUILDER_FILE}\n",
        key.id()
    ));
}
