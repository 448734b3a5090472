//! Package specs: what `specs/<name>/package.toml` says, checked and typed.

mod model;

pub use model::*;
