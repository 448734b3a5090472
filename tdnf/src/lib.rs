//! `tdnf`, the package manager: its command line, its cache of repositories, and downloads.
//!
//! What it does to packages and systems is the work of [`rpm_engine`].

pub mod automatic;
pub mod cache;
pub(crate) mod calendar;
pub mod cli;
pub mod command;
pub mod download;
mod program;
pub mod query;

pub use program::main;
