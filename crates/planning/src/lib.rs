//! From package specs to a plan of builds: everything that happens before the first build.
//!
//! Data flows spec → graph → action → plan. Only [`project`] accesses files: it reads the project's, and copies those that a build needs.
//! Nothing here starts a process or reads the clock. Like [`base`], it is compiled with optimisation.

pub mod action;
pub mod bump;
pub mod draft;
pub mod graph;
pub mod missing;
pub mod plan;
pub mod project;
pub mod recipe;
pub mod spec;
