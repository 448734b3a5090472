//! Disks at every moment of an installation.

pub mod firmware;
pub mod replay;
pub mod trace;
