//! What a sandbox runs and how that ended.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::isolation::Weakness;

/// All a sandboxed build may see and do. As JSON, the content of the file `xtask worker --job FILE` reads.
///
/// Host paths may be relative to the worker's working directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Job {
    /// What it is about, for messages: `zlib`.
    pub name: String,
    /// What becomes `/`.
    pub root: Root,
    /// A directory of the host, writable at `/build`.
    pub build_dir: Option<PathBuf>,
    /// Files and directories of the host, read-only inside.
    pub inputs: Vec<Input>,
    /// The whole environment of every step. With a jobserver, its tokens' place is added to `MAKEFLAGS`.
    pub env: BTreeMap<String, String>,
    /// What runs, in this order, until one fails.
    pub steps: Vec<Step>,
}

/// What becomes a sandbox's `/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Root {
    /// Directories laid over each other, and an upper one that takes the changes.
    Overlay {
        /// Read-only directories, uppermost first: unpacked packages, then SDK layers.
        layers: Vec<PathBuf>,
        /// Takes all changes. On a file system with user extended attributes that is not an overlay itself.
        upper: PathBuf,
        /// The overlay's own scratch, on the same file system as `upper`, used by nobody else.
        work: PathBuf,
    },
    /// A root file system, changed in place: for file triggers.
    Directory(PathBuf),
}

/// A file or directory of the host shown inside.
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
    /// The directory inside it runs in.
    pub cwd: String,
}

/// How a job went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Outcome {
    /// Whether all steps were done.
    pub status: StepsEnded,
    /// The most memory its processes held at one time: the sum of their own pages, sampled, or the largest single process if
    /// that is more.
    pub peak_memory_bytes: u64,
    /// Processor time of all its processes, user and system, in milliseconds.
    pub cpu_ms: u64,
    /// Wall time of the steps, in milliseconds.
    pub wall_ms: u64,
    /// What was weaker about the sandbox than it should be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weakness: Option<Weakness>,
}

/// Whether all steps were done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepsEnded {
    /// All ended with 0.
    Done,
    /// One did not; those after it were not run.
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
