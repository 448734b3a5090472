//! `cargo xtask shell PKG`

use std::fs;
use std::io;
use std::path::PathBuf;

use clap::Args;

use super::build::show_failed_builds;
use super::select;
use crate::cli::Context;
use crate::diagnostic::{ExitCode, Failure, Report};
use crate::name::PackageName;
use crate::sandbox::{self, End, Job};
use crate::store::Store;
use crate::workshop::{self, FAILED_JOB, RoomFailure, failed_folder};

/// Options of `shell`.
#[derive(Args, Debug)]
pub struct Options {
    /// The package
    package: String,
    /// Open the sandbox as it is before a build, even if a failed one is kept
    #[arg(long)]
    fresh: bool,
}

/// What is kept of a failed build cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot read `{}`", path.display())]
struct Unreadable {
    path: PathBuf,
    source: io::Error,
}

impl Failure for Unreadable {
    fn hint(&self) -> Option<String> {
        Some("`--fresh` opens the sandbox without it".into())
    }
}

/// Opens a shell in the sandbox where the package's build failed; or else where it would be built, its sources unpacked and patched.
///
/// # Errors
/// When the sandbox cannot be made, or what the package builds on cannot be built.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let graph = context.graph()?;
    let package = select::package(&graph, &options.package)?;
    let spec = graph.index().owner(&package).unwrap_or(&package);
    let store = context.store()?;
    let kept = if options.fresh { None } else { failed_job(&store, spec)? };
    let ended = match (kept, graph.spec(spec)) {
        (Some(job), _) => sandbox::shell(&job)?,
        (None, Some(folder)) => {
            let mut workshop = context.workshop(&graph, &store)?;
            let scratch = store.scratch(&format!("shell-{spec}"))?;
            let job = workshop::room(&mut workshop, folder, scratch.path()).inspect_err(|failure| {
                if let RoomFailure::Build(failure) = failure {
                    show_failed_builds(context, failure);
                }
            })?;
            sandbox::shell(&job)?
        }
        (None, None) => return Ok(ExitCode::Failed),
    };
    match ended {
        End::Code(0) => Ok(ExitCode::Done),
        End::Code(_) | End::Signal(_) => Ok(ExitCode::Failed),
    }
}

/// The job that enters the sandbox of a failed build, if one is kept.
fn failed_job(store: &Store, spec: &PackageName) -> Result<Option<Job>, Unreadable> {
    let path = failed_folder(store, spec).join(FAILED_JOB);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Unreadable { path, source }),
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| Unreadable { path, source: error.into() })
}
