//! `cargo xtask repo [PKG…]`

use std::path::PathBuf;

use clap::Args;

use super::{build, select};
use crate::cli::Context;
use crate::diagnostic::{ExitCode, Report};
use crate::sign::Keys;
use crate::workshop;

/// Options of `repo`.
#[derive(Args, Debug)]
pub struct Options {
    /// Packages the repository holds, with all that is built for them [default: all]
    packages: Vec<String>,
    /// Where it is written
    #[arg(long, short, value_name = "DIR", default_value = "out/repo")]
    output: PathBuf,
}

/// Builds and signs packages and writes them as a repository for tdnf and dnf.
///
/// # Errors
/// Mistakes in the specs, unknown names, whatever could not be built, signed or written.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let graph = context.graph()?;
    let mut packages = select::packages(&graph, &options.packages)?;
    packages.extend(graph.toolchain().cloned());
    let store = context.store()?;
    let mut workshop = context.workshop(&graph, &store)?;
    let results = workshop::build(&mut workshop, &packages).inspect_err(|failure| build::show_failed_builds(context, failure))?;
    let keys = Keys::open_or_create(&workshop.keys)?;
    let signed = workshop::sign_all(&store, &keys, &results)?;
    let folder = context.root.join(&options.output);
    workshop::write_repository(&folder, &signed, &keys)?;
    context.output.text(&format!("{} packages in {}, signed by {}\n", signed.len(), folder.display(), keys.fingerprint()));
    Ok(ExitCode::Done)
}
