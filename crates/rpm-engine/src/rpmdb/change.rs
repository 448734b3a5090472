//! Adding and removing packages, all by one SQLite transaction: its commit decides whether the system is the old or the new one.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};
use serde::{Deserialize, Serialize};

use super::{RpmDbError, SCHEMA, STATEMENTS, insert};
use crate::rpmfile::RpmFile;

/// The tables that find packages; each row belongs to the package with its `hnum`.
const TABLES: [&str; 19] = [
    "Name",
    "Basenames",
    "Group",
    "Requirename",
    "Providename",
    "Conflictname",
    "Obsoletename",
    "Triggername",
    "Dirnames",
    "Installtid",
    "Sigmd5",
    "Sha1header",
    "Filetriggername",
    "Transfiletriggername",
    "Recommendname",
    "Suggestname",
    "Supplementname",
    "Enhancename",
    "Packages",
];

/// The numbers that a change removes and adds. Whoever finds them later knows whether it was committed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    removed: Vec<u32>,
    first_added: u32,
    added: u32,
}

impl Plan {
    /// Distinguishes this change from all others of the same database, whose numbers are never used twice.
    pub fn mark(&self) -> String {
        format!("{}-{}", self.first_added, self.removed.first().copied().unwrap_or(0))
    }
}

/// The database, opened to be changed.
#[derive(Debug)]
pub struct Changes {
    connection: Connection,
}

impl Changes {
    /// Opens the database file, made if it is missing. A write-ahead log that another program left is taken in first.
    ///
    /// # Errors
    /// When it is not a database, or another program has it open.
    pub fn open(file: &Path) -> Result<Self, RpmDbError> {
        let mut connection = Connection::open(file)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "DELETE")?;
        connection.pragma_update(None, "synchronous", "EXTRA")?;
        let is_new = "SELECT 1 FROM sqlite_master WHERE name = 'Packages'";
        if connection.query_row(is_new, [], |_| Ok(())).optional()?.is_none() {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
            transaction.execute_batch(SCHEMA)?;
            transaction.commit()?;
        }
        Ok(Self { connection })
    }

    /// Plans to remove the packages numbered `removed`, some perhaps named twice, and to add `added` more.
    ///
    /// # Errors
    /// When one of them is not there, or the database cannot be read.
    pub fn plan(&self, removed: &[u32], added: usize) -> Result<Plan, RpmDbError> {
        let removed: BTreeSet<u32> = removed.iter().copied().collect();
        for number in &removed {
            if !self.has(*number)? {
                return Err(RpmDbError::Changed);
            }
        }
        let last = "SELECT max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'Packages'), 0), \
                    coalesce((SELECT max(hnum) FROM Packages), 0))";
        let last: u32 = self.connection.query_row(last, [], |row| row.get(0))?;
        Ok(Plan { removed: removed.into_iter().collect(), first_added: last + 1, added: added as u32 })
    }

    /// Removes and adds, for nobody else to see before [`Changes::commit`]; without it all is as it was. `packages` are those the plan
    /// counted, in the order they are to have.
    ///
    /// # Errors
    /// When the database or the disk refuses.
    pub fn write(&mut self, plan: &Plan, packages: &[&RpmFile], time: u32) -> Result<(), RpmDbError> {
        self.connection.execute_batch("BEGIN EXCLUSIVE")?;
        let there: i64 = self.connection.query_row("SELECT count(*) FROM Packages", [], |row| row.get(0))?;
        let all = there == plan.removed.len() as i64;
        for table in TABLES {
            let removed = if all { self.empty(table) } else { self.remove(table, &plan.removed) }?;
            if table == "Packages" && removed != plan.removed.len() {
                return Err(RpmDbError::Changed);
            }
        }
        if packages.len() != plan.added as usize {
            return Err(RpmDbError::Changed);
        }
        for (package, number) in packages.iter().zip(plan.first_added..) {
            insert(&self.connection, package, Some(number), time)?;
        }
        Ok(())
    }

    /// Makes what was written last for good.
    ///
    /// # Errors
    /// When the database or the disk refuses; then nothing was changed.
    pub fn commit(&mut self) -> Result<(), RpmDbError> {
        Ok(self.connection.execute_batch("COMMIT")?)
    }

    /// Takes the packages with these numbers out of a table. Gives how many rows those were.
    fn remove(&self, table: &str, numbers: &[u32]) -> Result<usize, RpmDbError> {
        let mut statement = self.connection.prepare(&format!("DELETE FROM '{table}' WHERE hnum = ?1"))?;
        numbers.iter().try_fold(0, |rows, number| Ok(rows + statement.execute([number])?))
    }

    /// Takes everything out of a table, which SQLite does without looking at each row.
    fn empty(&self, table: &str) -> Result<usize, RpmDbError> {
        Ok(self.connection.execute(&format!("DELETE FROM '{table}'"), [])?)
    }

    /// Whether a planned change was committed.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn is_applied(&self, plan: &Plan) -> Result<bool, RpmDbError> {
        if plan.added > 0 {
            return self.has(plan.first_added);
        }
        match plan.removed.first() {
            Some(number) => Ok(!self.has(*number)?),
            None => Ok(true),
        }
    }

    fn has(&self, number: u32) -> Result<bool, RpmDbError> {
        Ok(self.connection.query_row("SELECT 1 FROM Packages WHERE hnum = ?1", [number], |_| Ok(())).optional()?.is_some())
    }
}
