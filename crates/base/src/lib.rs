//! What all crates share: names, digests, strict TOML documents, diagnostics, errors of files and globs.
//!
//! Nothing here starts a process or reads the clock, and only `digest` opens files, to hash them. It is compiled with optimisation, because it
//! processes every spec at every start.

pub mod address;
pub mod diagnostic;
pub mod digest;
pub mod document;
pub mod epoch;
pub mod file_error;
pub mod glob;
pub mod name;
pub mod xml;
