//! The commands, one file each; a command reads like a table of contents.

pub mod bench;
pub mod build;
pub mod build_image;
pub mod build_iso;
pub mod build_ova;
pub mod bump;
pub mod completions;
pub mod diff;
pub mod doctor;
pub mod fetch;
pub mod gc;
pub mod graph;
pub mod inspect;
pub mod kernel;
pub mod list;
pub mod log;
pub mod new;
pub mod plan;
pub mod qemu;
pub mod repo;
pub mod sdk;
pub mod select;
pub mod shell;
pub mod show;
pub mod test;
pub mod why;
