//! Code shared by tests of several crates. It is not part of any program.
#![allow(missing_docs, reason = "tests say what they do by their names")]

pub mod disk;
pub mod packages;
pub mod terminal;
