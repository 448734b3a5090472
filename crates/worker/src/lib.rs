//! What a build is on any machine: its directories, its sandbox, the packages made of it. The builder uses this for builds on its own
//! machine, and the program `kaon-worker`, which is this crate's binary, for those that run elsewhere.
//!
//! A remote build is an [`action`] in the sense of Bazel's Remote Execution API: a program, a flat directory of few files, and the files that
//! the program must leave. The worker holds no key, and needs nothing of its machine but a Linux kernel that lets it create sandboxes.

pub mod action;
pub mod damaged;
pub mod inputs;
pub mod job;
pub mod layer;
pub mod layout;
pub mod package;
pub mod run;
mod tidy;
