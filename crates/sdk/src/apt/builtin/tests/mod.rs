//! The client against real servers and archives, on this machine alone.

mod archive;
mod files;
mod indexes;
pub(crate) mod server;

pub(crate) use archive::TestArchive;
