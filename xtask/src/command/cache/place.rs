//! Where the files of a cache are written, or looked for without fetching them.

use crate::cli::Context;
use base::diagnostic::Report;
use cache::place::{Folder, Grpc, Place, Server};
use cache::settings::NamedCache;
use sdk::apt::CacheAddress;

/// The place of a cache; what is waited for is reported as phases of `unit`.
///
/// # Errors
/// When nothing can be written at such an address.
pub(super) fn place<'c>(context: &'c Context<'_>, cache: &NamedCache, unit: &str) -> Result<Box<dyn Place + 'c>, Report> {
    let files = match &cache.address {
        CacheAddress::Files(files) => files,
        CacheAddress::Grpc(server) => return Ok(Box::new(Grpc::new(server.clone(), &context.cancel))),
    };
    Ok(match files.folder() {
        Some(folder) => Box::new(Folder::new(folder)),
        None => Box::new(Server::new(files, &context.cancel)?.reporting(&*context.reporter, unit)),
    })
}
