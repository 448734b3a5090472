//! Programs of the host and of the SDK that are run to their end, for their output or to measure them, in a clean environment. A program
//! that is watched while it runs, such as apt, starts here as well ([`Tool::into_command`]).
//!
//! Other processes are started by the code that manages them, because they need more than that: the sandbox's worker in `sandbox`, which
//! starts a build's programs inside of the sandbox; the emulator in `emulator`; cargo, test programs and the script for a bare machine in
//! `xtask::testing`; on an installed system, scriptlets of packages in `rpm-engine`, and programs of the system in `system`.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::libc;

use crate::limits::{MORE_PROCESSES, is_no_process};
use base::address::without_passwords;
use base::diagnostic::{ExitCode, Failure};

/// A program of the host and its arguments, run in a clean environment: only `PATH`, `HOME`, the proxies and `LC_ALL=C.UTF-8`.
pub struct Tool {
    program: OsString,
    command: Command,
}

/// What a program used, including the children that it waited for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// How it ended.
    pub status: ExitStatus,
    /// Wall time, in seconds.
    pub wall_s: f64,
    /// Processor time, user and system, in seconds.
    pub cpu_s: f64,
    /// The most memory it used at one time, in bytes.
    pub peak_memory_bytes: u64,
}

/// Why a program of the host failed.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// The program does not exist.
    #[error("`{program}` is not installed on this machine")]
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
    #[error("`{program}` ended with {status}: {}", without_passwords(last_words))]
    Failed {
        /// The program's name.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its standard error.
        last_words: String,
    },
}

impl Failure for ToolError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { .. } => Some("`cargo xtask doctor` reports what this machine lacks and how to fix it".into()),
            Self::Start { source, .. } if is_no_process(source) => Some(MORE_PROCESSES.into()),
            Self::Start { .. } | Self::Failed { .. } => None,
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::Missing { .. } => ExitCode::Host,
            Self::Start { source, .. } if is_no_process(source) => ExitCode::Host,
            Self::Start { .. } | Self::Failed { .. } => ExitCode::Failed,
        }
    }
}

/// Variables that a tool may need to reach the network or its own files; all others are dropped.
const KEPT_VARIABLES: [&str; 9] =
    ["PATH", "HOME", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE"];

/// The value of a proxy's variable in upper case, for programs such as apt that only know the lower-case name.
fn of_upper_case(name: &str) -> Option<OsString> {
    name.ends_with("_proxy").then(|| std::env::var_os(name.to_ascii_uppercase())).flatten()
}

impl Tool {
    /// The program named `program`, found on `PATH` or by its path.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(&program);
        command.env_clear().env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
        for name in KEPT_VARIABLES {
            if let Some(value) = std::env::var_os(name).or_else(|| of_upper_case(name)) {
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

    /// The command as set up so far, for settings that this type does not have (pipes, process groups).
    pub fn into_command(self) -> Command {
        self.command
    }

    /// Runs it to its end, with its output appended to `log`, and returns what it used.
    ///
    /// # Errors
    /// When it is missing or cannot be started or waited for.
    pub fn measured(mut self, log: &File) -> Result<Measured, ToolError> {
        let program = self.program.to_string_lossy().into_owned();
        let start = |source| ToolError::Start { program: program.clone(), source };
        let (out, err) = (log.try_clone().map_err(start)?, log.try_clone().map_err(start)?);
        let begun = Instant::now();
        let child = self.command.stdout(out).stderr(err).spawn().map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => ToolError::Missing { program: program.clone() },
            _ => start(source),
        })?;
        let (mut status, pid) = (0, child.id().cast_signed());
        let (over, peak_memory_bytes) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let watcher = {
            let (over, peak) = (Arc::clone(&over), Arc::clone(&peak_memory_bytes));
            thread::Builder::new().spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    peak.fetch_max(high_water_bytes(pid), Ordering::Relaxed);
                    thread::sleep(SAMPLED);
                }
            })
        };
        // SAFETY: the structure consists of numbers, for which zero is valid.
        let mut used: libc::rusage = unsafe { std::mem::zeroed() };
        // SAFETY: both structures live until the call is over; the process is a child of this one, and nothing else waits for it.
        let waited = loop {
            match unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut used) } {
                -1 if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
                -1 => break Err(io::Error::last_os_error()),
                _ => break Ok(begun.elapsed().as_secs_f64()),
            }
        };
        over.store(true, Ordering::Relaxed);
        // The thread only reads and counts; without it the peak is unknown.
        let _ = watcher.map(JoinHandle::join);
        let wall_s = waited.map_err(start)?;
        let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
        Ok(Measured {
            status: ExitStatus::from_raw(status),
            wall_s,
            cpu_s: seconds(used.ru_utime) + seconds(used.ru_stime),
            peak_memory_bytes: peak_memory_bytes.load(Ordering::Relaxed),
        })
    }

    /// Runs it to its end and returns what it wrote to standard output.
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

/// How often a program's memory is sampled. The kernel keeps the peak, so only an increase in the last moments can be missed.
const SAMPLED: Duration = Duration::from_micros(500);

/// The peak memory of a process since it started its program. `getrusage` also counts the time before that, when it was a copy of this program.
fn high_water_bytes(pid: i32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok()).map_or(0, |kib| kib * 1024)
}

/// The last `count` lines of a program's messages, trimmed.
fn last_lines(bytes: &[u8], count: usize) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}
