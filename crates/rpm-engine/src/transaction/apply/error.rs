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
            let (free, needed) = (in_unit(self.free_bytes), in_unit(self.needed_bytes));
            write!(f, "the file system of `{}` has {free} left, {needed} are needed", self.path)
        } else {
            write!(f, "the file system of `{}` has room for {} files, {} are needed", self.path, self.free_files, self.needed_files)
        }
    }
}

/// A size in the unit that fits it: with a digit after the point below ten of them.
fn in_unit(bytes: u64) -> String {
    const UNITS: [(u32, &str); 4] = [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
    let Some((shift, unit)) = UNITS.into_iter().find(|(shift, _)| bytes >> shift > 0) else { return format!("{bytes} bytes") };
    let tenths = (u128::from(bytes) * 10) >> shift;
    if tenths < 100 { format!("{}.{} {unit}", tenths / 10, tenths % 10) } else { format!("{} {unit}", tenths / 10) }
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
    /// The name under which a configuration file would be kept is that of a directory.
    #[error("`{file}` was edited, and the directory `{directory}` has the name that a file would be kept under; nothing was changed")]
    SavedNameTaken {
        /// The configuration file, a path in the tree.
        file: String,
        /// The directory, a path in the tree.
        directory: String,
    },
    /// A directory took the place of a file while the transaction ran, and has a temporary name now.
    #[error("the directory `{directory}` was at `{path}` when a transaction replaced that; it is not removed")]
    DirectoryReplaced {
        /// Where it was, in the tree.
        path: String,
        /// Where it is, in the tree.
        directory: String,
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
    #[error("the transaction failed and could not be undone yet ({}); the next run tries again", with_causes(.undoing))]
    Stuck {
        /// Why it failed.
        source: Box<ApplyError>,
        /// Why it cannot be taken back.
        undoing: Box<ApplyError>,
    },
}

impl ApplyError {
    /// What to do next, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::SavedNameTaken { directory, .. } => Some(format!("move `{directory}` away, then run the command again")),
            Self::DirectoryReplaced { directory, .. } => {
                Some(format!("move `{directory}` away; the next `tdnf install`, `update` or `erase` finishes the transaction"))
            }
            Self::Stuck { undoing, .. } => undoing.hint().or_else(|| match &**undoing {
                Self::Change { path, .. } => Some(format!(
                    "move away what is in the way at `{path}`; the next `tdnf install`, `update` or `erase` undoes the transaction"
                )),
                _ => None,
            }),
            Self::Change { path, source } if is_in_the_way(source) => Some(format!("move away what is in the way at `{path}`")),
            _ => None,
        }
    }
}

/// Whether an error says that a directory is where none should be, or the other way round.
fn is_in_the_way(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(error.kind(), Kind::IsADirectory | Kind::NotADirectory | Kind::DirectoryNotEmpty)
}

fn with_causes(error: &ApplyError) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn status(code: &Option<i32>) -> String {
    code.map_or_else(String::new, |code| format!(" with exit code {code}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_said_in_units_that_fit() {
        let table = [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (65_536, "64 KiB"),
            (1_572_864, "1.5 MiB"),
            (12 << 20, "12 MiB"),
            (5 << 30, "5.0 GiB"),
            (u64::MAX, "16777215 TiB"),
        ];
        for (bytes, expected) in table {
            assert_eq!(in_unit(bytes), expected);
        }
        let shortage = Shortage { path: "/usr".into(), needed_bytes: 3 << 30, free_bytes: 700, needed_files: 1, free_files: 9 };
        assert_eq!(shortage.to_string(), "the file system of `/usr` has 700 bytes left, 3.0 GiB are needed");
    }
}
