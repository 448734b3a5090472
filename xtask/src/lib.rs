//! `cargo xtask`: the builder's command line, its benchmarks, and the running of its tests.

pub mod bench;
pub mod cli;
pub mod command;
pub mod doctor;
pub mod output;
pub mod testing;
