//! The one place that runs other programs on the host.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus, Output, Stdio};

use crate::diagnostic::{ExitCode, Failure};

/// A program of the host and its arguments, run in a clean environment: only `PATH`, `HOME`, the proxies and `LC_ALL=C.UTF-8`.
pub struct Tool {
    program: OsString,
    command: Command,
}

/// Why a program of the host gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// There is no such program.
    #[error("`{program}` is not on this machine")]
    Missing {
        /// The program's name.
        program: String,
    },
    /// It could not be started.
    #[error("cannot start `{program}`")]
    Start {
        /// The program's name.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// It ended with a failure.
    #[error("`{program}` ended with {status}: {last_words}")]
    Failed {
        /// The program's name.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of what it wrote to standard error.
        last_words: String,
    },
}

impl Failure for ToolError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { .. } => Some("`cargo xtask doctor` says what this machine lacks and how to mend it".into()),
            Self::Start { .. } | Self::Failed { .. } => None,
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::Missing { .. } => ExitCode::Host,
            Self::Start { .. } | Self::Failed { .. } => ExitCode::Failed,
        }
    }
}

/// Variables a tool may need to reach the network or its own files; all others are dropped.
const KEPT_VARIABLES: [&str; 9] =
    ["PATH", "HOME", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE"];

impl Tool {
    /// The program named `program`, found on `PATH` or by its path.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(&program);
        command.env_clear().env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
        for name in KEPT_VARIABLES {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        Self { program: program.as_ref().to_owned(), command }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.command.args(arguments);
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it in `directory`.
    #[must_use]
    pub fn current_dir(mut self, directory: &Path) -> Self {
        self.command.current_dir(directory);
        self
    }

    /// The command as set up so far, for what this type has no word for (pipes, process groups).
    pub fn into_command(self) -> Command {
        self.command
    }

    /// Runs it to its end and gives what it wrote to standard output.
    ///
    /// # Errors
    /// When it is missing, cannot be started, or ends with anything but 0.
    pub fn output(mut self) -> Result<Vec<u8>, ToolError> {
        let program = self.program.to_string_lossy().into_owned();
        let Output { status, stdout, stderr } = self.command.output().map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => ToolError::Missing { program: program.clone() },
            _ => ToolError::Start { program: program.clone(), source },
        })?;
        if status.success() { Ok(stdout) } else { Err(ToolError::Failed { program, status, last_words: last_lines(&stderr, 5) }) }
    }
}

/// The last `count` lines of a program's messages, trimmed.
fn last_lines(bytes: &[u8], count: usize) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}
