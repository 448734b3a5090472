//! The RPM database: `rpmdb.sqlite`, as librpm 4.16 and later read and write it.
//!
//! `Packages` contains each package's header; the other tables find packages by names, files and digests. `rpmdb --rebuilddb` makes those
//! again from the headers and must find nothing to change.

mod blob;
mod change;
mod index;
mod installed;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::types::Value;
use sha2::{Digest as _, Sha256};

use crate::manifest::{Entry, Kind, Manifest};
use crate::rpmfile::{HeaderError, RpmFile, RpmFileError};

/// Where the database is in a tree.
pub const DIRECTORY: &str = "/usr/lib/sysimage/rpm";

/// The database's file.
pub const FILE: &str = "/usr/lib/sysimage/rpm/rpmdb.sqlite";

/// The file's name.
pub(crate) const NAME: &str = "rpmdb.sqlite";

/// Where distributions have it (`_dbpath` of RPM); a new one is made in the first.
pub(crate) const DIRECTORIES: [&str; 2] = [DIRECTORY, "/var/lib/rpm"];

/// What databases in the formats of RPM before SQLite are called: Berkeley's and NDB.
pub(crate) const OLD_NAMES: [&str; 2] = ["Packages", "Packages.db"];

pub use change::{Changes, Plan};
pub use installed::{InstalledPackage, RpmDb};

/// Why the database cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RpmDbError {
    /// A file cannot be made or read.
    #[error("cannot use `{path}`")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// SQLite refuses.
    #[error("SQLite refuses")]
    Sqlite(#[from] rusqlite::Error),
    /// A header cannot be taken over.
    #[error("the header of {package} cannot be recorded")]
    Header {
        /// The package.
        package: String,
        /// Why.
        source: Box<rpm::Error>,
    },
    /// A package's header cannot be read again.
    #[error("cannot record {package}")]
    Package {
        /// The package.
        package: String,
        /// Why.
        source: Box<RpmFileError>,
    },
    /// A header in the database makes no sense.
    #[error("the header of package number {number} in the RPM database is damaged; `rpmdb --rebuilddb` drops it")]
    Damaged {
        /// Its number.
        number: u32,
        /// Why.
        source: HeaderError,
    },
    /// The database was changed by another program between planning and writing.
    #[error("the RPM database was changed by another program; try again")]
    Changed,
}

/// The tables and their indexes as librpm 4.18 makes them, so that its own statements fit.
const SCHEMA: &str = include_str!("schema.sql");

/// Writes the database of the packages just installed into `root`, all as installed at `time` (seconds since 1970) by one transaction,
/// and enters it into the manifest.
///
/// # Errors
/// When the disk or SQLite refuses.
pub fn create(root: &Path, packages: &[RpmFile], time: u32, manifest: &mut Manifest) -> Result<(), RpmDbError> {
    for (at, _) in DIRECTORY.match_indices('/').skip(1).chain([(DIRECTORY.len(), "")]) {
        if manifest.get(&DIRECTORY[..at]).is_none() {
            manifest.insert(&DIRECTORY[..at], Entry::directory(time));
        }
    }
    let path = root.join(&FILE[1..]);
    let io = |source| RpmDbError::Io { path: path.clone(), source };
    fs::create_dir_all(root.join(&DIRECTORY[1..])).map_err(io)?;
    write(&path, packages, time)?;
    let bytes = fs::read(&path).map_err(io)?;
    let kind = Kind::File { size: bytes.len() as u64, sha256: hex::encode(Sha256::digest(&bytes)) };
    manifest.insert(FILE, Entry::root(kind, 0o644, time));
    Ok(())
}

/// A statement for each table is kept, with room to spare.
const STATEMENTS: usize = 32;

/// One transaction, no journal and no sync: the database is part of a tree that is published whole or not at all.
fn write(path: &Path, packages: &[RpmFile], time: u32) -> Result<(), RpmDbError> {
    let mut connection = Connection::open(path)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;")?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(SCHEMA)?;
    for package in packages {
        insert(&transaction, package, None, time)?;
    }
    transaction.commit()?;
    connection.close().map_err(|(_, error)| error)?;
    Ok(())
}

/// Adds one package, under `number` or the next that is free.
fn insert(transaction: &Connection, package: &RpmFile, number: Option<u32>, time: u32) -> Result<(), RpmDbError> {
    let header = |source| RpmDbError::Header { package: package.package.nevra.to_string(), source: Box::new(source) };
    let headers =
        package.headers().map_err(|source| RpmDbError::Package { package: package.package.nevra.to_string(), source: Box::new(source) })?;
    let metadata = headers.read().map_err(header)?;
    let blob = blob::installed_header(&metadata, package.files.len(), time).map_err(header)?;
    transaction.prepare_cached("INSERT INTO Packages (hnum, blob) VALUES (?1, ?2)")?.execute((number, &blob))?;
    let number = transaction.last_insert_rowid();
    for row in index::rows(&metadata, headers.tags(), time).map_err(header)? {
        // Names that are not UTF-8 are texts for RPM all the same.
        let key = if row.is_text && matches!(row.key, Value::Blob(_)) { "CAST(?1 AS TEXT)" } else { "?1" };
        // Table names are constants of this crate.
        let statement = format!("INSERT INTO '{}' VALUES ({key}, ?2, ?3)", row.table);
        transaction.prepare_cached(&statement)?.execute((row.key, number, row.index))?;
    }
    Ok(())
}
