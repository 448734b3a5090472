//! `cargo xtask plan`

use clap::Args;

/// Options of `plan`.
#[derive(Args, Debug)]
pub struct Options {
    /// Packages to plan for [default: all]
    pub packages: Vec<String>,
}
