//! Adding and removing packages, all by one SQLite transaction: its commit decides whether the system is the old or the new one.

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

/// The numbers a change takes away and gives. Whoever finds them later can tell whether it was committed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    removed: Vec<u32>,
    first_added: u32,
    added: u32,
}

impl Plan {
    /// Tells this change from all others of the same database, whose numbers are never used twice.
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
    /// When it is no database, or another program has it open.
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

    /// Plans to remove the packages numbered `removed` and to add `added` more.
    ///
    /// # Errors
    /// When one of them is not there, or the database cannot be read.
    pub fn plan(&self, removed: &[u32], added: usize) -> Result<Plan, RpmDbError> {
        for number in removed {
            if !self.has(*number)? {
                return Err(RpmDbError::Changed);
            }
        }
        let last = "SELECT max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'Packages'), 0), \
                    coalesce((SELECT max(hnum) FROM Packages), 0))";
        let last: u32 = self.connection.query_row(last, [], |row| row.get(0))?;
        Ok(Plan { removed: removed.to_vec(), first_added: last + 1, added: added as u32 })
    }

    /// Removes and adds. `packages` are those the plan counted, in the order they are to have.
    ///
    /// # Errors
    /// When the database or the disk refuses; then nothing was changed.
    pub fn apply(&mut self, plan: &Plan, packages: &[&RpmFile], time: u32) -> Result<(), RpmDbError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
        for table in TABLES {
            let mut statement = transaction.prepare(&format!("DELETE FROM '{table}' WHERE hnum = ?1"))?;
            for number in &plan.removed {
                let rows = statement.execute([number])?;
                if table == "Packages" && rows != 1 {
                    return Err(RpmDbError::Changed);
                }
            }
        }
        if packages.len() != plan.added as usize {
            return Err(RpmDbError::Changed);
        }
        for (package, number) in packages.iter().zip(plan.first_added..) {
            insert(&transaction, package, Some(number), time)?;
        }
        Ok(transaction.commit()?)
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
