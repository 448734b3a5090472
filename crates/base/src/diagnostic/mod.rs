//! How every failure is told: what, where, why, and the next step.

mod explanation;
mod problem;
mod render;
mod visible;

use std::error::Error;

pub use explanation::{Explanation, LARGER_FILES};
pub use problem::{Problem, Problems, SourceText};
pub use render::{Style, render};
pub use visible::{must_be_escaped, visible, visible_line};

/// An error that can say what to do next.
pub trait Failure: Error + Send + Sync + 'static {
    /// The next step, as an instruction or a command.
    fn hint(&self) -> Option<String> {
        None
    }

    /// The problems in the user's files behind this failure, which are shown with their places.
    fn problems(&self) -> Option<&Problems> {
        None
    }

    /// The last lines of the log of a program that failed.
    fn last_lines(&self) -> &[String] {
        &[]
    }

    /// Which of the documented exit codes the process ends with.
    fn exit(&self) -> ExitCode {
        ExitCode::Failed
    }
}

/// Lets a failure of any kind be the source of another.
impl Error for Box<dyn Failure> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        (**self).source()
    }
}

/// The documented exit codes of `cargo xtask`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum ExitCode {
    /// All that was asked for was done.
    Done = 0,
    /// Something that was asked for failed.
    Failed = 1,
    /// The command line was wrong; nothing was done.
    Usage = 2,
    /// A spec, image or kernel description is wrong; nothing was built.
    Description = 3,
    /// The host lacks something; `cargo xtask doctor` names it.
    Host = 4,
    /// Interrupted by a signal; what was built is kept.
    Interrupted = 130,
}

/// Any failure, on its way to the user.
#[derive(Debug)]
pub struct Report(Box<dyn Failure>);

impl Report {
    /// The failure itself.
    pub fn failure(&self) -> &dyn Failure {
        &*self.0
    }

    /// The failure itself, to keep.
    pub fn into_failure(self) -> Box<dyn Failure> {
        self.0
    }
}

impl<F: Failure> From<F> for Report {
    fn from(failure: F) -> Self {
        Self(Box::new(failure))
    }
}
