//! `cargo xtask shell PKG`

use std::fs;
use std::io;
use std::path::PathBuf;

use clap::Args;

use super::select;
use crate::cli::Context;
use crate::diagnostic::{ExitCode, Failure, Report};
use crate::sandbox::{self, End, Job};
use crate::workshop::{FAILED_JOB, failed_folder};

/// Options of `shell`.
#[derive(Args, Debug)]
pub struct Options {
    /// The package whose build failed
    package: String,
}

/// Nothing is kept of a failed build.
#[derive(Debug, thiserror::Error)]
enum ShellError {
    #[error("no failed build of `{spec}` is kept")]
    NothingKept { spec: String },
    #[error("cannot read `{}`", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
}

impl Failure for ShellError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::NothingKept { spec } => Some(format!("`cargo xtask build {spec}` keeps its tree when it fails")),
            Self::Unreadable { .. } => None,
        }
    }
}

/// Opens a shell in the sandbox, where the failed build left it.
///
/// # Errors
/// When no failed build is kept, or the sandbox cannot be made.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let graph = context.graph()?;
    let package = select::package(&graph, &options.package)?;
    let spec = graph.index().owner(&package).unwrap_or(&package);
    let path = failed_folder(&context.store()?, spec).join(FAILED_JOB);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(ShellError::NothingKept { spec: spec.to_string() }.into()),
        Err(source) => return Err(ShellError::Unreadable { path, source }.into()),
    };
    let job: Job = serde_json::from_slice(&bytes).map_err(|error| ShellError::Unreadable { path, source: error.into() })?;
    match sandbox::shell(&job)? {
        End::Code(0) => Ok(ExitCode::Done),
        End::Code(_) | End::Signal(_) => Ok(ExitCode::Failed),
    }
}
