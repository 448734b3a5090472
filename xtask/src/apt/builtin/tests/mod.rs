//! The client against real servers and archives, on this machine alone.

mod archive;
mod files;
mod indexes;
mod server;
