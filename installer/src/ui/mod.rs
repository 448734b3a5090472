//! Asking a person what is to be installed.
//!
//! [`Interview`] is the one state machine: it knows the questions, what an answer means and whether it is accepted. [`mod@line`] and [`screen`]
//! only show its questions and pass answers on; [`choose`] says which of the two a terminal gets.

pub mod choose;
mod interview;
pub mod line;
mod question;
pub mod screen;

pub use interview::{Interview, Outcome, Surroundings};
pub use question::{Answer, Choice, Field, Item, Kind, Question, Section, goes_on};
