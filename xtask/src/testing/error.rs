//! Why tests could not be run, or did not pass.

use std::io;
use std::path::PathBuf;

use base::diagnostic::{ExitCode, Failure};

/// Why tests could not be run, or did not pass.
#[derive(Debug, thiserror::Error)]
pub enum TestError {
    /// A program could not be started.
    #[error("cannot start `{}`", program.display())]
    Start {
        /// The program: cargo, or a test binary.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The tests do not compile.
    #[error("the tests do not compile")]
    Compile,
    /// Cargo or a test binary wrote something that cannot be parsed.
    #[error("cannot parse the output of `{}`: {what}", program.display())]
    Output {
        /// The program.
        program: PathBuf,
        /// What was expected and not found.
        what: String,
    },
    /// An ignored test has a reason that no stage knows, so it would never run.
    #[error("test `{test}` is ignored for an unknown reason: `{reason}`")]
    UnknownReason {
        /// The test, with its binary.
        test: String,
        /// The reason given.
        reason: String,
    },
    /// A filter matches no test.
    #[error("no test's name contains `{filter}`")]
    NothingMatches {
        /// The filter.
        filter: String,
    },
    /// Tests failed.
    #[error("{failed} {} failed", if *failed == 1 { "test" } else { "tests" })]
    Failed {
        /// The number of failed tests.
        failed: usize,
        /// Their names, with their binaries.
        names: Vec<String>,
    },
}

impl Failure for TestError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Start { .. } | Self::Compile | Self::Output { .. } => None,
            Self::UnknownReason { .. } => {
                Some("begin the reason with `needs root`, `needs the SDK`, `needs the built …` or `is a process …`".into())
            }
            Self::NothingMatches { .. } => Some("`cargo xtask test --list` prints all names".into()),
            Self::Failed { names, .. } => names.first().map(|name| format!("run one again: `cargo xtask test {name}`")),
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::NothingMatches { .. } => ExitCode::Usage,
            Self::Start { .. } | Self::Compile | Self::Output { .. } | Self::UnknownReason { .. } | Self::Failed { .. } => ExitCode::Failed,
        }
    }
}
