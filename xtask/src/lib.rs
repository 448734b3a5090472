//! `cargo xtask`: the builder's command line, its benchmarks, and its test runner.

pub mod bench;
pub mod cli;
pub mod command;
pub mod doctor;
pub mod output;
pub mod testing;
