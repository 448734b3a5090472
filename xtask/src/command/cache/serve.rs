//! `cargo xtask cache serve DIR`

use std::env;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use crate::cli::Context;
use base::diagnostic::{ExitCode, Failure, Report, visible_line};
use cache::BUILDER_FILE;
use cache::place::authorizations;
use file_server::{Accepted, Server, Uploads};
use runtime::remote::TOKEN_VARIABLE;

/// Options of `cache serve`.
#[derive(Args, Debug)]
pub struct Options {
    /// The cache, as `cache export` writes it
    directory: PathBuf,
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8100")]
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

/// A cache is a directory.
#[derive(Debug, thiserror::Error)]
#[error("`{}` is a file, not the directory of a cache", path.display())]
struct NoDirectory {
    path: PathBuf,
}

impl Failure for NoDirectory {
    fn hint(&self) -> Option<String> {
        Some("`cargo xtask cache export DIR` writes one".into())
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
    if options.directory.is_file() {
        return Err(NoDirectory { path: options.directory.clone() }.into());
    }
    let mut server = Server::open(&options.directory, options.listen)?;
    if options.writable {
        let token = env::var(TOKEN_VARIABLE).ok().filter(|token| !token.is_empty()).ok_or(NoToken)?;
        server = server.with_uploads(Uploads { accepts, authorizations: authorizations(&token) });
    }
    let address = server.address()?;
    if context.output.is_json() {
        context.output.document(&serde_json::json!({ "directory": options.directory, "address": address, "writable": options.writable }));
    } else {
        let directory = options.directory.display();
        context.output.text(&format!("{directory} on http://{address}/\nBuilders read it with: --cache http://{address}\n"));
    }
    server.run(&context.cancel, &|path, status| match context.output.is_json() {
        true => context.output.document(&serde_json::json!({ "kind": "request", "path": path, "status": status })),
        false => context.output.text(&format!("{status} {}\n", visible_line(path))),
    });
    Ok(ExitCode::Interrupted)
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
