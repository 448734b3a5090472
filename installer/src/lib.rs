//! Puts Kaon onto machines.
//!
//! ```text
//! kickstart file ─► Kickstart ─┐
//! screens ────────► Kickstart ─┼─► Plan (ordered steps) ─► apply
//! the machine ────► Facts ─────┘
//! ```
//!
//! Reading and planning are pure: nothing is touched before a plan is confirmed, and the plan is what is done.

pub mod apply;
pub mod command;
pub mod document;
pub mod firstboot;
pub mod guestinfo;
pub mod kickstart;
pub mod live;
pub mod machine;
pub mod medium;
pub mod networkd;
pub mod plan;
pub mod ui;
