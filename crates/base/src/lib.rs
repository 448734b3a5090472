//! What all crates share: names, digests, strict TOML documents, diagnostics, errors of files and globs.
//!
//! Nothing here starts a process or asks for the time, and only `digest` opens files, to hash them. It is compiled with optimisation, as every spec goes through it at every
//! start.

pub mod address;
pub mod diagnostic;
pub mod digest;
pub mod document;
pub mod epoch;
pub mod file_error;
pub mod glob;
pub mod name;
pub mod xml;
