//! `cargo xtask cache serve DIR`

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use crate::cli::{Context, listen_address};
use base::diagnostic::{ExitCode, Failure, Report, visible_line};
use cache::BUILDER_FILE;
use cache::place::authorizations;
use file_server::{Accepted, Server, Uploads};
use runtime::remote::{TOKEN_VARIABLE, token};

/// Options of `cache serve`.
#[derive(Args, Debug)]
pub struct Options {
    /// The cache, as `cache export` writes it
    directory: PathBuf,
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8100", value_parser = listen_address)]
    listen: SocketAddr,
    /// Take files of `cache push` from clients that know the token in KAON_CACHE_TOKEN
    #[arg(long)]
    writable: bool,
}

/// Nobody could be told from anybody else.
#[derive(Debug, thiserror::Error)]
#[error("`--writable` needs a token in the variable {TOKEN_VARIABLE}")]
struct NoToken;

impl Failure for NoToken {
    fn hint(&self) -> Option<String> {
        Some(format!("{TOKEN_VARIABLE}=$(openssl rand -hex 20) makes one; give clients the same"))
    }

    fn exit(&self) -> ExitCode {
        ExitCode::Usage
    }
}

/// What is to be served is not a cache.
#[derive(Debug, thiserror::Error)]
enum NoCache {
    #[error("`{}` is a file, not the directory of a cache", path.display())]
    File { path: PathBuf },
    #[error("there is no cache in `{}`", path.display())]
    Directory { path: PathBuf },
}

impl Failure for NoCache {
    fn hint(&self) -> Option<String> {
        Some("`cargo xtask cache export DIR` writes one; with `--writable`, `cargo xtask cache push` begins one".into())
    }

    fn exit(&self) -> ExitCode {
        ExitCode::Usage
    }
}

/// Entries are not longer.
const LONGEST_ENTRY_BYTES: u64 = 4 << 20;

/// Serves a cache until interrupted.
///
/// # Errors
/// When the directory cannot be found, the address is taken, or uploads have no token.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    check(options)?;
    let mut server = Server::open(&options.directory, options.listen)?.with_only(|name| accepts(name).is_some());
    if options.writable {
        let token = token()?.ok_or(NoToken)?;
        server = server.with_uploads(Uploads { accepts, authorizations: authorizations(&token) });
    }
    let address = server.address()?;
    if context.output.is_json() {
        context.output.document(&serde_json::json!({ "directory": options.directory, "address": address, "writable": options.writable }));
    } else {
        let directory = options.directory.display();
        // Others cannot reach the address that stands for all of this machine's.
        let host = if address.ip().is_unspecified() { format!("THIS-MACHINE:{}", address.port()) } else { address.to_string() };
        context.output.text(&format!("{directory} on http://{address}/\nBuilders read it with: --cache http://{host}\n"));
    }
    server.run(&context.cancel, &|path, status| match context.output.is_json() {
        true => context.output.document(&serde_json::json!({ "kind": "request", "path": path, "status": status })),
        false => context.output.text(&format!("{status} {}\n", visible_line(path))),
    });
    Ok(ExitCode::Interrupted)
}

/// Checks that there is a cache, or that one may be begun.
fn check(options: &Options) -> Result<(), NoCache> {
    let directory = &options.directory;
    if directory.is_file() {
        return Err(NoCache::File { path: directory.clone() });
    }
    let is_cache = directory.join(BUILDER_FILE).is_file() || directory.join("ac").is_dir();
    if directory.is_dir() && !is_cache && !options.writable { Err(NoCache::Directory { path: directory.clone() }) } else { Ok(()) }
}

/// What a cache consists of.
fn accepts(name: &str) -> Option<Accepted> {
    match name.split_once('/') {
        None if name == BUILDER_FILE => Some(Accepted::UpTo(LONGEST_ENTRY_BYTES)),
        Some(("cas", digest)) => digest.parse().ok().map(Accepted::With),
        Some(("ac", key)) => key.parse::<base::digest::Digest>().ok().map(|_| Accepted::UpTo(LONGEST_ENTRY_BYTES)),
        None | Some(_) => None,
    }
}
