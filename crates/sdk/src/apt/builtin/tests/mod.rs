//! Tests of the client with real servers and archives on this machine.

mod archive;
mod files;
mod indexes;
mod presence;
pub(crate) mod server;
mod sources;
mod tls;

pub(crate) use archive::TestArchive;
