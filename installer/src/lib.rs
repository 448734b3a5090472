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
pub mod live;
pub mod machine;
pub mod plan;
pub mod ui;
