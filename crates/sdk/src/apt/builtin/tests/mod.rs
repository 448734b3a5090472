//! Tests of the client with real servers and archives on this machine.

mod archive;
mod files;
mod indexes;
pub(crate) mod server;

pub(crate) use archive::TestArchive;
