//! The commands, one file each; a command reads like a table of contents.

pub mod build;
pub mod completions;
pub mod graph;
pub mod list;
pub mod plan;
pub mod select;
