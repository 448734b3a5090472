//! `cargo xtask shell PKG`

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::select;
use crate::cli::Context;
use base::diagnostic::{ExitCode, Failure, Report};
use base::name::PackageName;
use builder::{FAILED_JOB, failed_folder};
use planning::recipe::{INSTALL_ROOT, SOURCE_TREE};
use runtime::sandbox::{self, End, Input, Job, SandboxError, Step};
use runtime::store::Store;
use text::quote;

/// Options of `shell`.
#[derive(Args, Debug)]
pub struct Options {
    /// The package
    package: String,
    /// Open the sandbox as it is before a build, even if that of a failed build is kept
    #[arg(long)]
    fresh: bool,
    /// Run this command instead of a shell; its output goes to standard error
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// The kept folder of a failed build cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use `{}`", path.display())]
struct Unreadable {
    path: PathBuf,
    source: io::Error,
}

impl Failure for Unreadable {
    fn hint(&self) -> Option<String> {
        Some("`--fresh` opens the sandbox without it".into())
    }
}

/// The command in the sandbox that runs the failed step again.
const AGAIN: &str = "failed-step";

/// Opens a shell, or runs a command, in the sandbox where the package's build failed; otherwise in the sandbox where it would be built,
/// with its sources unpacked and patched.
///
/// # Errors
/// When the sandbox cannot be created, or what the package builds on cannot be built.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let graph = context.graph()?;
    let package = select::package(&graph, &options.package)?;
    let spec = graph.index().owner(&package).unwrap_or(&package);
    let store = context.store()?;
    let scratch = store.scratch(&format!("shell-{spec}"))?;
    let kept = if options.fresh { None } else { failed_job(&store, spec)? };
    let ended = match (kept, graph.spec(spec)) {
        (Some(job), _) => {
            context.output.message(&greeting(spec, &job));
            enter(with_failed_step(job, scratch.path())?, options)?
        }
        (None, Some(folder)) => {
            let mut builder = context.builder(&graph, &store)?;
            let job = in_the_sources(builder::prepare(&mut builder, folder, scratch.path())?);
            context.output.message(&format!("the sandbox of `{spec}` before its build, its sources unpacked and patched\n"));
            enter(job, options)?
        }
        (None, None) => return Ok(ExitCode::Failed),
    };
    match ended {
        End::Code(0) => Ok(ExitCode::Done),
        End::Code(_) | End::Signal(_) => Ok(ExitCode::Failed),
    }
}

fn enter(job: Job, options: &Options) -> Result<End, SandboxError> {
    if options.command.is_empty() { sandbox::shell(&job) } else { sandbox::command(&job, options.command.clone()) }
}

/// The greeting: what failed, where, and how to run it again.
fn greeting(spec: &PackageName, job: &Job) -> String {
    match job.steps.last() {
        Some(Step { phase, cwd, .. }) => {
            format!(
                "`{spec}` failed in its {phase} phase, in `{cwd}`; `{AGAIN}` runs the phase again, `cargo xtask log {spec}` prints its output\n"
            )
        }
        None => format!("all phases of `{spec}` succeeded, but no package could be made from the files in `{INSTALL_ROOT}`\n"),
    }
}

/// The job with an additional program that runs its last step in the same way as the build.
fn with_failed_step(mut job: Job, folder: &Path) -> Result<Job, Unreadable> {
    let Some(step) = job.steps.last() else { return Ok(job) };
    let host = folder.join(AGAIN);
    let words: Vec<String> = step.argv.iter().map(|word| quote(word)).collect();
    let script = format!("#!/bin/bash\ncd {} && exec {}\n", quote(&step.cwd), words.join(" "));
    let write = || {
        fs::write(&host, script)?;
        fs::set_permissions(&host, Permissions::from_mode(0o755))
    };
    write().map_err(|source| Unreadable { path: host.clone(), source })?;
    job.inputs.push(Input { host, at: format!("/usr/bin/{AGAIN}") });
    Ok(job)
}

/// The job with its steps up to the last one in the source tree, because the shell starts in the directory of the last step.
fn in_the_sources(mut job: Job) -> Job {
    let count = job.steps.iter().rposition(|step| step.cwd.starts_with(SOURCE_TREE)).map_or(0, |at| at + 1);
    job.steps.truncate(count);
    job
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
