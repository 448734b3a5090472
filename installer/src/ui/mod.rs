//! Asking a person what is to be installed.
//!
//! [`Interview`] is the one state machine; [`line`] only shows its questions and passes answers on.

mod interview;
pub mod line;
mod question;

pub use interview::{Interview, Outcome};
pub use question::{Answer, Choice, Kind, Question};
