//! What a sandbox runs, and the outcome.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::isolation::Weakness;

/// Everything a sandboxed build may see and do. As JSON, this is the file that `xtask worker --job FILE` reads.
///
/// Host paths may be relative to the worker's working directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Job {
    /// Its name for messages: `zlib`.
    pub name: String,
    /// What becomes `/`.
    pub root: Root,
    /// A directory of the host, writable at `/build`.
    pub build_dir: Option<PathBuf>,
    /// Files and directories of the host, read-only inside.
    pub inputs: Vec<Input>,
    /// The whole environment of every step. With a jobserver, its descriptors are added to `MAKEFLAGS`.
    pub env: BTreeMap<String, String>,
    /// What runs, in this order, until one fails.
    pub steps: Vec<Step>,
}

/// What becomes a sandbox's `/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Root {
    /// Stacked directories, and an upper one for changes.
    Overlay {
        /// Read-only directories, uppermost first: unpacked packages, then SDK layers.
        layers: Vec<PathBuf>,
        /// The directory for all changes, on a file system with user extended attributes that is not itself an overlay.
        upper: PathBuf,
        /// The overlay's work directory, on the same file system as `upper` and not used for anything else.
        work: PathBuf,
    },
    /// A root file system, changed in place: for file triggers.
    Directory(PathBuf),
}

/// A file or directory of the host that is visible inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Input {
    /// Where it is on the host.
    pub host: PathBuf,
    /// Its absolute path inside.
    pub at: String,
}

/// One program to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Step {
    /// The phase it belongs to: `configure`, `build`, `install`.
    pub phase: String,
    /// The program, looked up in the environment's `PATH`, and its arguments.
    pub argv: Vec<String>,
    /// Its working directory inside.
    pub cwd: String,
}

/// The outcome of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Outcome {
    /// Whether all steps succeeded.
    pub status: StepsEnded,
    /// The most memory that its processes used at one time, in bytes: the sampled sum of their private pages, or the largest single process
    /// if that is more.
    pub peak_memory_bytes: u64,
    /// Processor time of all its processes, user and system, in milliseconds.
    pub cpu_ms: u64,
    /// Wall time of the steps, in milliseconds.
    pub wall_ms: u64,
    /// The sandbox's weakness, if it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weakness: Option<Weakness>,
}

/// Whether all steps succeeded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepsEnded {
    /// All steps exited with 0.
    Done,
    /// One step did not; later steps were not run.
    Failed {
        /// Its phase.
        phase: String,
        /// How it ended.
        end: End,
    },
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// By itself, with this exit code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(number) => match nix::sys::signal::Signal::try_from(*number) {
                Ok(signal) => write!(f, "signal {signal}"),
                Err(_) => write!(f, "signal {number}"),
            },
        }
    }
}
