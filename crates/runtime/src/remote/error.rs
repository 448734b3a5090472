//! Why a separate program cannot be used.

use base::address::without_passwords;
use base::diagnostic::{ExitCode, Failure};

/// Why `kaon-remote`, or the program for workers, cannot be used. Texts, not sources: the error is kept for later requests.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// There is neither its source nor the program.
    #[error("addresses with grpc:// need the program `{program}`, which is neither in this project nor beside the builder")]
    NotHere {
        /// Its name.
        program: &'static str,
    },
    /// cargo cannot be started.
    #[error("cannot start cargo to compile `{program}`: {reason}")]
    NoCargo {
        /// The program's name.
        program: &'static str,
        /// Why.
        reason: String,
    },
    /// cargo failed.
    #[error("`{program}` cannot be compiled: {}", without_passwords(last_words))]
    Compile {
        /// The program's name.
        program: &'static str,
        /// The package to compile.
        package: &'static str,
        /// cargo's last lines.
        last_words: String,
    },
    /// It cannot be started.
    #[error("cannot start `{program}`: {reason}")]
    Start {
        /// Its path.
        program: String,
        /// Why.
        reason: String,
    },
    /// It ended before it answered.
    #[error("`kaon-remote` ended before it answered")]
    Ended,
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl Failure for RemoteError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::NotHere { program } => {
                Some(format!("run the builder in a checkout of Kaon, or put `{program}` into the directory of the builder"))
            }
            Self::NoCargo { .. } => Some("run the builder as `cargo xtask`, or put cargo on PATH".into()),
            Self::Compile { package, .. } => Some(format!(
                "its crates are downloaded when it is compiled first: `cargo build --package {package}` shows all of cargo's output"
            )),
            Self::Ended => Some("run the command again; if it ends again, its last words are on standard error".into()),
            Self::Start { .. } | Self::Interrupted => None,
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::Interrupted => ExitCode::Interrupted,
            Self::NotHere { .. } | Self::NoCargo { .. } => ExitCode::Host,
            Self::Compile { .. } | Self::Start { .. } | Self::Ended => ExitCode::Failed,
        }
    }
}
