//! `cargo xtask repo [PKG…]` and `cargo xtask repo serve`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, Subcommand};

use super::select;
use crate::cli::{Context, listen_address};
use crate::output;
use base::diagnostic::{ExitCode, Report, visible_line};
use base::name::PackageName;
use builder::project;
use file_server::Server;
use packaging::repo::{self, Facts, configuration};
use signing::Keys;

/// Options of `repo`.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Options {
    /// What else is done with a repository
    #[command(subcommand)]
    action: Option<Action>,
    /// Packages of the repository; everything they need at build time and run time is added, so that it is complete
    /// [default: all]
    packages: Vec<String>,
    /// Include only the packages built by the specs of the named packages; use it together with a repository that has what they need
    #[arg(long, requires = "packages")]
    only: bool,
    /// Directory to write the repository to
    #[arg(long, short, value_name = "DIR", default_value = "out/repo")]
    output: PathBuf,
    /// Revision; clients refuse one lower than they have seen [default: one more than the existing repository's, if the content differs]
    #[arg(long, value_name = "NUMBER")]
    revision: Option<u64>,
    /// Number of days from now after which clients refuse it [default: never]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=36_500))]
    valid_days: Option<u64>,
}

/// What else is done with a repository.
#[derive(Subcommand, Debug)]
enum Action {
    /// Serve a repository over HTTP until interrupted
    Serve(Serve),
}

/// Options of `repo serve`.
#[derive(Args, Debug)]
struct Serve {
    /// The repository
    #[arg(default_value = "out/repo")]
    folder: PathBuf,
    /// Address to listen on; a guest in QEMU's user network reaches this machine at 10.0.2.2
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "0.0.0.0:8000", value_parser = listen_address)]
    listen: SocketAddr,
}

/// Seconds in a day.
const DAY_S: u64 = 86_400;

/// Builds and signs packages and writes them as a repository for tdnf and dnf, or serves a repository.
///
/// # Errors
/// Mistakes in the specs, unknown names, whatever could not be built, signed or written.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    if let Some(Action::Serve(options)) = &options.action {
        return serve(context, options);
    }
    let graph = context.graph()?;
    let advisories = project::load_advisories(&context.root)?;
    let named = select::packages(&graph, &options.packages)?;
    let store = context.store()?;
    let mut builder = context.caching_builder(&graph, &store)?;
    let folder = context.root.join(&options.output);
    output::prepare(folder.parent().unwrap_or(&context.root))?;
    // An unusable key is reported before anything is built.
    let keys = Keys::open_or_create(&builder.keys)?;
    let results = if options.only {
        builder::build_without_run_needs(&mut builder, &named)?
    } else {
        let packages: Vec<PackageName> = named.iter().chain(graph.toolchain()).cloned().collect();
        builder::build_with_inputs(&mut builder, &packages)?
    };
    let signed = builder::sign_all(&store, &keys, &results)?;
    let facts = Facts { advisories, revision: options.revision, expires: options.valid_days.map(days_from_now) };
    builder::write_repository_with(&folder, &signed, &facts, &keys)?;
    if context.output.is_json() {
        let document = serde_json::json!({ "packages": signed.len(), "folder": folder, "signed-by": keys.fingerprint().to_string() });
        context.output.document(&document);
    } else {
        context.output.text(&format!("{} packages in {}, signed by {}\n", signed.len(), folder.display(), keys.fingerprint()));
    }
    Ok(ExitCode::Done)
}

/// The only time in a repository that depends on the clock, at the user's request.
fn days_from_now(days: u64) -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()) + days * DAY_S
}

fn serve(context: &Context<'_>, options: &Serve) -> Result<ExitCode, Report> {
    let folder = context.root.join(&options.folder);
    repo::check(&folder)?;
    let server = Server::open(&folder, options.listen)?.with_page("/kaon.repo", configuration);
    let address = server.address()?;
    let seen = if address.ip().is_unspecified() { format!("http://10.0.2.2:{}", address.port()) } else { format!("http://{address}") };
    if context.output.is_json() {
        context.output.document(&serde_json::json!({ "folder": folder, "address": address, "configuration": configuration(&seen) }));
    } else {
        context.output.text(&format!(
            "{} on http://{address}/\nTo use it, a machine needs this file in /etc/yum.repos.d, which it can download from {seen}/kaon.repo:\n\n{}\n",
            folder.display(),
            configuration(&seen)
        ));
    }
    server.run(&context.cancel, &|path, status| match context.output.is_json() {
        true => context.output.document(&serde_json::json!({ "kind": "request", "path": path, "status": status })),
        false => context.output.text(&format!("{status} {}\n", visible_line(path))),
    });
    Ok(ExitCode::Interrupted)
}
