//! How every failure is reported: what, where, why, and the next step.

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
    /// The failure that this one wraps. Hint, problems, log lines and exit code are taken from it unless this failure defines them.
    fn inner(&self) -> Option<&dyn Failure> {
        None
    }

    /// The next step, as an instruction or a command.
    fn hint(&self) -> Option<String> {
        self.inner().and_then(Failure::hint)
    }

    /// The problems in the user's files behind this failure, shown with file and line.
    fn problems(&self) -> Option<&Problems> {
        self.inner().and_then(Failure::problems)
    }

    /// The last lines of the log of a program that failed.
    fn last_lines(&self) -> &[String] {
        self.inner().map_or(&[], Failure::last_lines)
    }

    /// The documented exit code that the process ends with.
    fn exit(&self) -> ExitCode {
        self.inner().map_or(ExitCode::Failed, Failure::exit)
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
    /// Everything requested was done.
    Done = 0,
    /// Something requested failed.
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
    /// The failure.
    pub fn failure(&self) -> &dyn Failure {
        &*self.0
    }

    /// The failure, by value.
    pub fn into_failure(self) -> Box<dyn Failure> {
        self.0
    }
}

impl<F: Failure> From<F> for Report {
    fn from(failure: F) -> Self {
        Self(Box::new(failure))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Outer {
        #[error(transparent)]
        Passed(Inner),
        #[error(transparent)]
        Wrong(Problems),
        #[error("of its own")]
        Own,
    }

    #[derive(Debug, thiserror::Error)]
    #[error("inner")]
    struct Inner([String; 1]);

    impl Failure for Inner {
        fn hint(&self) -> Option<String> {
            Some("try again".into())
        }

        fn last_lines(&self) -> &[String] {
            &self.0
        }

        fn exit(&self) -> ExitCode {
            ExitCode::Host
        }
    }

    impl Failure for Outer {
        fn inner(&self) -> Option<&dyn Failure> {
            match self {
                Self::Passed(inner) => Some(inner),
                Self::Wrong(problems) => Some(problems),
                Self::Own => None,
            }
        }
    }

    #[test]
    fn a_failure_that_is_passed_on_keeps_its_hint_lines_problems_and_exit_code() {
        let passed = Outer::Passed(Inner(["the log".into()]));
        assert_eq!(passed.hint().as_deref(), Some("try again"));
        assert_eq!((passed.last_lines(), passed.exit()), (&["the log".to_owned()][..], ExitCode::Host));
        assert!(passed.problems().is_none());
        let source = Arc::new(SourceText::new("a.toml", "a = 1"));
        let wrong = Outer::Wrong(Problems::new(vec![Problem::new(&source, 0..1, "unknown key `a`")]));
        assert_eq!((wrong.problems().map(|problems| problems.iter().count()), wrong.exit()), (Some(1), ExitCode::Description));
        assert_eq!((Outer::Own.hint(), Outer::Own.last_lines(), Outer::Own.exit()), (None, &[][..], ExitCode::Failed));
    }
}
