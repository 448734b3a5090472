//! The builder's runtime: the store, sandboxes, other programs, progress and cancellation.

pub mod beneath;
pub mod cancel;
pub mod directory;
pub mod disk_space;
pub mod install_root;
pub mod limits;
pub mod nameless;
pub mod progress;
pub mod regular;
pub mod remote;

pub mod sandbox;
pub mod signals;
pub mod store;
pub mod tool;
pub mod workers;
