//! Puts Kaon onto machines.
//!
//! ```text
//! kickstart file ─► Kickstart ─┐
//! screens ────────► Kickstart ─┼─► Plan (ordered steps) ─► apply
//! the machine ────► Facts ─────┘
//! ```
//!
//! Reading and planning are pure: nothing is touched before a plan is confirmed, and the plan is what is done.

#[cfg(feature = "program")]
pub mod apply;
#[cfg(feature = "program")]
pub mod command;
pub mod document;
#[cfg(feature = "program")]
pub mod firstboot;
#[cfg(feature = "program")]
pub mod guestinfo;
pub mod kickstart;
#[cfg(feature = "program")]
pub mod live;
#[cfg(feature = "program")]
pub mod machine;
pub mod medium;
pub mod networkd;
#[cfg(feature = "program")]
pub mod plan;
#[cfg(feature = "program")]
pub mod ui;
