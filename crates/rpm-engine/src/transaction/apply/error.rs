//! Why a transaction on a system is refused or fails.

use std::fmt;
use std::io;

use crate::history::HistoryError;
use crate::layout::Conflict;
use crate::rpmdb::RpmDbError;
use crate::system::SystemError;
use crate::transaction::TransactionError;

/// A file system that has not enough room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage {
    /// A directory on it, in the tree.
    pub path: String,
    /// What the transaction takes there while it runs, in bytes.
    pub needed_bytes: u64,
    /// What is left, in bytes.
    pub free_bytes: u64,
    /// How many files it makes there.
    pub needed_files: u64,
    /// How many more files fit.
    pub free_files: u64,
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.needed_bytes > self.free_bytes {
            let mib = |bytes: u64| bytes.div_ceil(1 << 20);
            write!(f, "the file system of `{}` has {} MiB left, {} MiB are needed", self.path, mib(self.free_bytes), mib(self.needed_bytes))
        } else {
            write!(f, "the file system of `{}` has room for {} files, {} are needed", self.path, self.free_files, self.needed_files)
        }
    }
}

/// Why a transaction is refused or failed. Whatever it is, the system is as it was before, unless the text says something else.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The system cannot be read.
    #[error(transparent)]
    System(#[from] SystemError),
    /// A package that was to go is not installed.
    #[error("package number {number} is no longer installed")]
    NotInstalled {
        /// Its number in the RPM database.
        number: u32,
    },
    /// Files of different packages clash.
    #[error("file conflicts: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Conflicts(Vec<Conflict>),
    /// Something on disk is in the way.
    #[error("`{path}` of {package} cannot be installed: {reason}")]
    InTheWay {
        /// The path in the tree.
        path: String,
        /// The package.
        package: String,
        /// What is in the way.
        reason: &'static str,
    },
    /// There is not enough room.
    #[error("not enough room: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Space(Vec<Shortage>),
    /// A file system cannot be written.
    #[error("the file system of `{path}` is read-only")]
    ReadOnly {
        /// A directory on it, in the tree.
        path: String,
    },
    /// A script cannot be run here.
    #[error("{package} contains a script ({section}) that cannot be run: {reason}")]
    Script {
        /// The package.
        package: String,
        /// Which script.
        section: &'static str,
        /// Why not.
        reason: &'static str,
    },
    /// A script failed that says whether the package may come or go.
    #[error("{section} of {package} failed{}", status(.code))]
    ScriptFailed {
        /// The package.
        package: String,
        /// Which script.
        section: &'static str,
        /// Its exit code, if it came to run and was not killed.
        code: Option<i32>,
    },
    /// A program cannot be run.
    #[error("cannot run `{program}`")]
    Program {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be changed.
    #[error("cannot change `{path}`")]
    Change {
        /// The path in the tree.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A package cannot be unpacked.
    #[error(transparent)]
    Unpack(#[from] TransactionError),
    /// The RPM database refuses.
    #[error("the RPM database rejected the change")]
    Database(#[from] RpmDbError),
    /// Everything is installed, but the history could not be written. The next run does it.
    #[error("the packages are installed, but the history cannot be written; the next run writes it")]
    History(#[from] HistoryError),
    /// The journal makes no sense.
    #[error("the journal `{path}` of an interrupted transaction cannot be read; it was written by another version")]
    Journal {
        /// The file in the tree.
        path: String,
    },
    /// It failed, and taking it back failed too. The next run tries again.
    #[error("the transaction failed and could not be undone yet ({undoing}); the next run tries again")]
    Stuck {
        /// Why it failed.
        source: Box<ApplyError>,
        /// Why it cannot be taken back.
        undoing: Box<ApplyError>,
    },
}

fn status(code: &Option<i32>) -> String {
    code.map_or_else(String::new, |code| format!(" with exit code {code}"))
}
