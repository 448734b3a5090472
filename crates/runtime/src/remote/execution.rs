//! What the builder and `kaon-remote` say about programs that run on a server's workers.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::message::{Blob, Trouble};

/// A program to run on a worker, in a directory with these files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Execution {
    /// The program's path in the directory, and its arguments.
    pub arguments: Vec<String>,
    /// The files, by their names: there are no subdirectories.
    pub inputs: BTreeMap<String, InputFile>,
    /// The paths of the files that it may leave.
    pub outputs: Vec<String>,
    /// The properties that its worker must have, as the server's operator named them.
    pub properties: BTreeMap<String, String>,
    /// Seconds after which it is given up if no worker has taken it.
    pub queue_s: u32,
    /// Seconds after which the worker ends it.
    pub run_s: u32,
    /// Whether it may have run before.
    pub earlier: Earlier,
}

/// A file that a program sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct InputFile {
    /// Its content.
    pub blob: Blob,
    /// Where it is on this machine.
    pub path: PathBuf,
    /// Whether it can be run.
    pub is_executable: bool,
}

/// What becomes of the results of earlier runs that a server keeps. Those of failures are never used: a killed worker is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Earlier {
    /// A success is as good as a run.
    Used,
    /// The program runs in any case.
    Ignored,
}

/// How far a program has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Its files are sent.
    Sending,
    /// It waits for a worker.
    Queued,
    /// It runs.
    Running,
}

/// A program that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Executed {
    /// Its exit code; 128 and the signal if it was killed.
    pub exit_code: i32,
    /// The worker's name; empty if the server does not say.
    pub worker: String,
    /// The files that it left.
    pub outputs: BTreeMap<String, Blob>,
    /// The end of what it wrote to standard error.
    pub last_words: String,
}

/// Why a program did not run to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum NotExecuted {
    /// No worker took it.
    #[error("no worker took it within {waited_s} s")]
    NotTaken {
        /// How long it was in the queue.
        waited_s: u32,
    },
    /// It ran for too long.
    #[error("it did not end within {limit_s} s")]
    TookTooLong {
        /// The time it had.
        limit_s: u32,
    },
    /// The server failed.
    #[error(transparent)]
    Server(#[from] Trouble),
}
