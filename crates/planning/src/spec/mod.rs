//! Package specs: the content of `specs/<name>/package.toml`, checked and typed.

mod model;
mod parse;

pub use model::*;
pub use parse::{CAPABILITIES, is_file_address, parse};
