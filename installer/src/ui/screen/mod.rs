//! Questions and progress on the whole screen.
//!
//! ```text
//! bytes ─► Decoder ─► Key ─► Flow, Progress (pure) ─► view ─► ratatui ─► Vt ─► terminal
//! ```
//!
//! Everything but [`session`] and [`tty`] is free of effects. Bytes are decoded and drawn here rather than by a library for terminals: on a
//! serial line the bytes of one key arrive one by one, nothing answers to questions about size or cursor, and there is no terminfo.

mod flow;
mod form;
mod input;
mod key;
mod observer;
mod progress;
mod session;
#[cfg(test)]
mod tests;
mod theme;
mod tty;
mod view;
mod vt;

pub use flow::{Flow, Screen, Step};
pub use key::{Decoder, Key};
pub use progress::{Progress, State};
pub use session::{End, Session};
