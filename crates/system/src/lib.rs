//! A system as a directory: its files, accounts and programs, whether it runs or is in a tree of another one.

pub mod account;
mod error;
pub mod files;
pub mod guestinfo;
mod inside;
pub mod program;
pub mod script;
mod target;

pub use error::SystemError;
pub use target::Target;

/// For programs that take none.
pub const NO_ARGUMENTS: &[&str] = &[];
