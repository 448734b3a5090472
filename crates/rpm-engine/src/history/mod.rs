//! What was done to a system and why each of its packages is there: a database of our own beside RPM's.

mod net;
mod record;

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

use crate::package::Nevra;
use crate::version::Evr;

pub use record::{Action, Change, Reason, Record};

const SCHEMA: &str = include_str!("schema.sql");

/// Why the history cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// SQLite refuses.
    #[error("the history database cannot be used")]
    Sqlite(#[from] rusqlite::Error),
    /// There is no such transaction.
    #[error("the history has no transaction {id}")]
    Missing {
        /// What was asked for.
        id: u32,
    },
    /// A word in the database is unknown.
    #[error("the history database contains `{word}`, which is unknown to this version")]
    Unknown {
        /// The word.
        word: String,
    },
}

/// A transaction that was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number, from 1.
    pub id: u32,
    /// What was done.
    pub record: Record,
}

/// An opened history.
#[derive(Debug)]
pub struct History {
    connection: Connection,
}

impl History {
    /// Opens the database file; it is made if it is missing.
    ///
    /// # Errors
    /// When it is not a database or cannot be made.
    pub fn open(file: &Path) -> Result<Self, HistoryError> {
        let mut connection = Connection::open(file)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "synchronous", "EXTRA")?;
        let transaction = connection.transaction()?;
        transaction.execute_batch(SCHEMA)?;
        transaction.commit()?;
        Ok(Self { connection })
    }

    /// Opens the database file for reading; it must be there.
    ///
    /// # Errors
    /// When it is not a database.
    pub fn read(file: &Path) -> Result<Self, HistoryError> {
        let connection = Connection::open_with_flags(file, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        Ok(Self { connection })
    }

    /// Adds a transaction and the reasons it leaves behind. A record whose mark is there already is not added again.
    ///
    /// # Errors
    /// When the disk or SQLite refuses.
    pub fn add(&mut self, record: &Record) -> Result<u32, HistoryError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let known = "SELECT id FROM transactions WHERE mark = ?1";
        if let Some(id) = transaction.query_row(known, [&record.mark], |row| row.get(0)).optional()? {
            return Ok(id);
        }
        let facts = (&record.mark, record.time, record.user, &record.command);
        transaction.execute("INSERT INTO transactions (mark, time, user, command) VALUES (?1, ?2, ?3, ?4)", facts)?;
        let id = transaction.last_insert_rowid() as u32;
        for (position, change) in record.changes.iter().enumerate() {
            let Nevra { name, evr, arch } = &change.nevra;
            transaction.prepare_cached("INSERT INTO changes VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?.execute((
                id,
                position as u32,
                change.action.word(),
                name,
                evr.to_string(),
                arch,
                change.reason.word(),
            ))?;
        }
        // What is replaced goes first: the successor may bear the same name.
        for change in record.changes.iter().filter(|change| change.action.removes()) {
            let key = (&change.nevra.name, &change.nevra.arch);
            transaction.execute("DELETE FROM reasons WHERE name = ?1 AND arch = ?2", key)?;
        }
        for change in record.changes.iter().filter(|change| !change.action.removes() && change.action != Action::Unmarked) {
            let row = (&change.nevra.name, &change.nevra.arch, change.reason.word());
            transaction.execute("INSERT OR REPLACE INTO reasons VALUES (?1, ?2, ?3)", row)?;
        }
        transaction.commit()?;
        Ok(id)
    }

    /// Takes note of what other programs did: the difference between `installed`, each package with the reason it is there for, and what
    /// the transactions so far lead to. `facts` is a record without changes. Gives the number of the new transaction, if there is one.
    ///
    /// # Errors
    /// When the disk or SQLite refuses.
    pub fn catch_up(&mut self, installed: &[(Nevra, Reason)], facts: Record) -> Result<Option<u32>, HistoryError> {
        let entries = self.list()?;
        let changes = net::net(&record::untold(entries.iter().map(|entry| &entry.record), installed));
        if changes.is_empty() {
            return Ok(None);
        }
        self.add(&Record { mark: format!("{}-{}", facts.mark, entries.len()), changes, ..facts }).map(Some)
    }

    /// All transactions, the oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(&self) -> Result<Vec<Entry>, HistoryError> {
        let mut statement = self.connection.prepare("SELECT id, mark, time, user, command FROM transactions ORDER BY id")?;
        let rows = statement.query_map([], |row| {
            let record = Record { mark: row.get(1)?, time: row.get(2)?, user: row.get(3)?, command: row.get(4)?, changes: Vec::new() };
            Ok(Entry { id: row.get(0)?, record })
        })?;
        let mut entries = rows.collect::<Result<Vec<_>, _>>()?;
        let mut changes = self.changes()?;
        for entry in &mut entries {
            entry.record.changes = changes.remove(&entry.id).unwrap_or_default();
        }
        Ok(entries)
    }

    fn changes(&self) -> Result<BTreeMap<u32, Vec<Change>>, HistoryError> {
        let mut statement = self.connection.prepare("SELECT id, action, name, evr, arch, reason FROM changes ORDER BY id, position")?;
        let mut rows = statement.query([])?;
        let mut changes: BTreeMap<u32, Vec<Change>> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let (action, evr, reason): (String, String, String) = (row.get(1)?, row.get(3)?, row.get(5)?);
            changes.entry(row.get(0)?).or_default().push(Change {
                action: Action::parse(&action).ok_or(HistoryError::Unknown { word: action })?,
                nevra: Nevra { name: row.get(2)?, evr: Evr::parse(&evr), arch: row.get(4)? },
                reason: Reason::parse(&reason).ok_or(HistoryError::Unknown { word: reason })?,
            });
        }
        Ok(changes)
    }

    /// What the transactions of a range changed together: what one of them took back of another is left out.
    ///
    /// # Errors
    /// When the first or the last of them is not there.
    pub fn redo(&self, ids: &RangeInclusive<u32>) -> Result<Vec<Change>, HistoryError> {
        let mut entries = self.list()?;
        for id in [*ids.start(), *ids.end()] {
            if !entries.iter().any(|entry| entry.id == id) {
                return Err(HistoryError::Missing { id });
            }
        }
        entries.retain(|entry| ids.contains(&entry.id));
        Ok(net_of(entries))
    }

    /// What takes the transactions of a range back.
    ///
    /// # Errors
    /// When the first or the last of them is not there.
    pub fn undo(&self, ids: &RangeInclusive<u32>) -> Result<Vec<Change>, HistoryError> {
        Ok(record::reversed(&self.redo(ids)?))
    }

    /// What brings the system back to where it was after the transaction numbered `id`: all later ones taken back, and what they undo of
    /// each other left out. 0 stands for the time before the first.
    ///
    /// # Errors
    /// When there is none.
    pub fn rollback(&self, id: u32) -> Result<Vec<Change>, HistoryError> {
        let mut entries = self.list()?;
        if id != 0 && !entries.iter().any(|entry| entry.id == id) {
            return Err(HistoryError::Missing { id });
        }
        entries.retain(|entry| entry.id > id);
        Ok(record::reversed(&net_of(entries)))
    }

    /// Why packages are installed, by name and architecture. What is not in it was installed by other programs, as a user's wish.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn reasons(&self) -> Result<HashMap<(String, String), Reason>, HistoryError> {
        let mut statement = self.connection.prepare("SELECT name, arch, reason FROM reasons")?;
        let mut rows = statement.query([])?;
        let mut reasons = HashMap::new();
        while let Some(row) = rows.next()? {
            let word: String = row.get(2)?;
            let reason = Reason::parse(&word).ok_or(HistoryError::Unknown { word })?;
            reasons.insert((row.get(0)?, row.get(1)?), reason);
        }
        Ok(reasons)
    }
}

fn net_of(entries: Vec<Entry>) -> Vec<Change> {
    let changes: Vec<Change> = entries.into_iter().flat_map(|entry| entry.record.changes).collect();
    net::net(&changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(action: Action, name: &str, evr: &str) -> Change {
        let nevra = Nevra { name: name.into(), evr: Evr::parse(evr), arch: "noarch".into() };
        Change { action, nevra, reason: Reason::Dependency }
    }

    fn record(mark: &str, changes: &[Change]) -> Record {
        Record { mark: mark.into(), time: 7, user: 0, command: "install x".into(), changes: changes.to_vec() }
    }

    #[test]
    fn undo_and_rollback() {
        let folder = tempfile::tempdir().unwrap();
        let mut history = History::open(&folder.path().join("h")).unwrap();
        let first = record("a", &[change(Action::Install, "x", "1-1"), change(Action::Install, "y", "1-1")]);
        let second = record("b", &[change(Action::Upgraded, "x", "1-1"), change(Action::Upgrade, "x", "2-1")]);
        let third =
            record("c", &[change(Action::Erase, "y", "1-1"), change(Action::Upgraded, "x", "2-1"), change(Action::Upgrade, "x", "3-1")]);
        for (record, id) in [(&first, 1), (&second, 2), (&second, 2), (&third, 3)] {
            assert_eq!(history.add(record).unwrap(), id);
        }
        assert_eq!(history.list().unwrap().len(), 3);
        assert_eq!(history.list().unwrap()[1].record, second);
        let shown =
            |changes: Vec<Change>| changes.iter().map(|change| format!("{} {}", change.action.word(), change.nevra)).collect::<Vec<_>>();
        assert_eq!(shown(history.undo(&(2..=2)).unwrap()), ["downgraded x-2-1.noarch", "downgrade x-1-1.noarch"]);
        assert_eq!(shown(history.undo(&(1..=2)).unwrap()), ["erase x-2-1.noarch", "erase y-1-1.noarch"]);
        assert_eq!(shown(history.redo(&(1..=3)).unwrap()), ["install x-3-1.noarch"]);
        assert_eq!(shown(history.rollback(1).unwrap()), ["downgraded x-3-1.noarch", "downgrade x-1-1.noarch", "install y-1-1.noarch"]);
        assert_eq!(shown(history.rollback(0).unwrap()), ["erase x-3-1.noarch"]);
        assert!(matches!(history.undo(&(2..=9)), Err(HistoryError::Missing { id: 9 })));
        let now = |version: &str| (change(Action::Install, "x", version).nevra, Reason::User);
        assert_eq!(history.catch_up(&[now("3-1")], record("d", &[])).unwrap(), None);
        let other = (change(Action::Install, "z", "1-1").nevra, Reason::User);
        assert_eq!(history.catch_up(&[now("4-1"), other], record("d", &[])).unwrap(), Some(4));
        assert_eq!(shown(history.redo(&(4..=4)).unwrap()), ["upgraded x-3-1.noarch", "upgrade x-4-1.noarch", "install z-1-1.noarch"]);
        assert_eq!(history.catch_up(&[now("3-1")], record("d", &[])).unwrap(), Some(5));
        let key = ("x".to_owned(), "noarch".to_owned());
        let marked = |was, is| {
            let of = |action, reason| Change { reason, ..change(action, "x", "3-1") };
            [of(Action::Unmarked, was), of(Action::Marked, is)]
        };
        let id = history.add(&record("e", &marked(Reason::User, Reason::Dependency))).unwrap();
        assert_eq!(history.reasons().unwrap().into_iter().collect::<Vec<_>>(), [(key.clone(), Reason::Dependency)]);
        assert_eq!(history.catch_up(&[now("3-1")], record("f", &[])).unwrap(), None, "marks neither come nor go");
        // Taken back, nothing goes, and the reason is what it was.
        let back = history.undo(&(id..=id)).unwrap();
        assert_eq!(shown(back.clone()), ["unmarked x-3-1.noarch", "marked x-3-1.noarch"]);
        assert_eq!(shown(history.rollback(id - 1).unwrap()), ["unmarked x-3-1.noarch", "marked x-3-1.noarch"]);
        history.add(&record("g", &back)).unwrap();
        assert_eq!(history.reasons().unwrap()[&key], Reason::User);
    }
}
