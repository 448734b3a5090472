//! `cargo xtask build PKG…`

use clap::Args;

/// Options of `build`.
#[derive(Args, Debug)]
pub struct Options {
    /// Packages to build [default: all]
    pub packages: Vec<String>,
}
