//! From package specs to a plan of builds: what the builder knows before it does anything.
//!
//! Data flows spec → graph → action → plan. Only [`project`] touches files: it reads the project's, and copies those that a build takes to
//! where it is told. Nothing here starts a process or asks for the time.
//! It is a crate of its own because it is compiled with optimisation: it goes over every spec at every start, while the builder around
//! it is compiled as fast as can be.

pub mod action;
pub mod address;
pub mod diagnostic;
pub mod digest;
pub mod document;
pub mod glob;
pub mod graph;
pub mod name;
pub mod plan;
pub mod project;
pub mod recipe;
pub mod spec;
