//! What tests of several crates share. No program contains it.
#![allow(missing_docs, reason = "tests say what they do by their names")]

pub mod disk;
pub mod packages;
pub mod terminal;
