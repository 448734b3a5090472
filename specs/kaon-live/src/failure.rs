//! Why the live system cannot start, in one line.

use std::fmt::{self, Display};
use std::io;

/// A problem, its cause included, as it is shown at the console.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    /// A problem that has no cause outside.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Puts what was being done before what the kernel said.
pub fn context(text: impl Display) -> impl FnOnce(io::Error) -> Failure {
    move |error| Failure(format!("{text}: {error}"))
}
