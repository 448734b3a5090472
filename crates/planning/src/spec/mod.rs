//! Package specs: what `specs/<name>/package.toml` says, checked and typed.

mod model;
mod parse;

pub use model::*;
pub use parse::{CAPABILITIES, is_file_address, parse};
