//! What is about to be done, written down before it is: whoever finds it later can finish it or take it back.

use std::borrow::Cow;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::ApplyError;
use super::op::{Attributes, Op};
use super::scripts::Pending;
use crate::history::{Action, Reason};
use crate::rpmdb;
use crate::system;
use crate::transaction::step::Gate;

/// Grows with every change of what is written here.
const VERSION: u32 = 1;

/// All that is needed to finish or to undo.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Journal<'p> {
    version: u32,
    /// Distinguishes this transaction from all others.
    pub(super) id: String,
    pub(super) time: u32,
    pub(super) user: u32,
    pub(super) command: String,
    /// All changes, in their order.
    pub(super) ops: Vec<Cow<'p, Op>>,
    /// Temporary names that are written before them.
    pub(super) temporary: Vec<Cow<'p, str>>,
    /// The change of the RPM database; whether it is there decides what happens to all the rest.
    pub(super) database: rpmdb::Plan,
    /// What the history will say: action, name, version, architecture, reason.
    pub(super) changes: Vec<(Action, String, String, String, Reason)>,
    /// Files whose owner was not known before.
    pub(super) late: Vec<(String, Attributes)>,
    /// Scripts for the end.
    pub(super) scripts: Vec<Pending>,
    /// Whether caches are renewed and so on.
    pub(super) finish: bool,
}

/// How far it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reached {
    /// Temporary files are being written.
    Planned,
    /// They are all on the disk; names are being changed.
    Written,
    /// All names are as they were; temporary files are being removed.
    Undone,
}

impl Journal<'_> {
    /// A journal with nothing in it.
    pub(super) fn new(id: String, database: rpmdb::Plan) -> Self {
        Self {
            version: VERSION,
            id,
            time: 0,
            user: 0,
            command: String::new(),
            ops: Vec::new(),
            temporary: Vec::new(),
            database,
            changes: Vec::new(),
            late: Vec::new(),
            scripts: Vec::new(),
            finish: false,
        }
    }
}

/// The file a journal is in.
pub(super) struct JournalFile<'g> {
    path: PathBuf,
    gate: &'g dyn Gate,
}

impl<'g> JournalFile<'g> {
    /// The journal in `directory`.
    pub(super) fn new(directory: &Path, gate: &'g dyn Gate) -> Self {
        Self { path: directory.join("journal"), gate }
    }

    /// Writes it down for good, or not at all.
    pub(super) fn write(&self, journal: &Journal<'_>) -> Result<(), ApplyError> {
        let temporary = self.path.with_extension("new");
        let write = || -> io::Result<()> {
            self.gate.pass("write")?;
            let mut file = BufWriter::new(File::create(&temporary)?);
            serde_json::to_writer(&mut file, journal)?;
            file.write_all(b"\n")?;
            let file = file.into_inner()?;
            self.gate.pass("fsync")?;
            file.sync_all()?;
            self.gate.pass("rename")?;
            fs::rename(&temporary, &self.path)?;
            self.sync_directory()
        };
        write().map_err(|source| self.failed(source))
    }

    /// Adds how far it came.
    pub(super) fn reach(&self, reached: Reached) -> Result<(), ApplyError> {
        let word: &[u8] = if reached == Reached::Written { b"written\n" } else { b"undone\n" };
        let write = || -> io::Result<()> {
            self.gate.pass("write")?;
            let mut file = OpenOptions::new().append(true).open(&self.path)?;
            file.write_all(word)?;
            self.gate.pass("fsync")?;
            file.sync_all()
        };
        write().map_err(|source| self.failed(source))
    }

    /// Reads it, if there is one.
    pub(super) fn read(&self) -> Result<Option<(Journal<'static>, Reached)>, ApplyError> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(self.failed(source)),
        };
        let mut lines = text.lines();
        let journal = lines.next().and_then(|line| serde_json::from_str::<Journal<'static>>(line).ok());
        let journal = journal.filter(|journal| journal.version == VERSION);
        let journal = journal.ok_or_else(|| ApplyError::Journal { path: format!("{}/journal", system::DIRECTORY) })?;
        // A word cut off by a power cut was not reached.
        let reached = lines.filter_map(|line| match line {
            "written" => Some(Reached::Written),
            "undone" => Some(Reached::Undone),
            _ => None,
        });
        Ok(Some((journal, reached.max().unwrap_or(Reached::Planned))))
    }

    /// Whether there is one.
    pub(super) fn exists(&self) -> bool {
        self.path.exists()
    }

    /// Forgets it: all is done.
    pub(super) fn remove(&self) -> Result<(), ApplyError> {
        let remove = || -> io::Result<()> {
            self.gate.pass("unlink")?;
            fs::remove_file(&self.path)?;
            self.sync_directory()
        };
        remove().map_err(|source| self.failed(source))
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.gate.pass("fsync")?;
        File::open(self.path.parent().unwrap_or(Path::new("/")))?.sync_all()
    }

    fn failed(&self, source: io::Error) -> ApplyError {
        ApplyError::Change { path: format!("{}/journal", system::DIRECTORY), source }
    }
}
