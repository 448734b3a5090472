//! Reading what is installed.

use std::path::Path;
use std::time::Duration;

use rayon::prelude::*;
use rpm::{IndexData, IndexTag, PackageMetadata};
use rusqlite::{Connection, OpenFlags};

use super::RpmDbError;
use crate::package::{Package, PackageFile};
use crate::rpmfile::header::{self, Origin};
use crate::rpmfile::{HeaderError, Headers, Phase, Scriptlet, Trigger, scriptlet, shape, trigger};

/// How long another program that writes the database is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// So many headers are in memory both as they are in the database and as they were read.
const AT_ONCE: usize = 16;

/// A package as the database has it.
#[derive(Debug)]
pub struct InstalledPackage {
    /// Its number in the database.
    pub number: u32,
    /// Its facts.
    pub package: Package,
    /// Its files, in the header's order, ghosts included. Devices and pipes appear as ghosts.
    pub files: Vec<PackageFile>,
    /// When it was installed, in seconds since 1970.
    pub install_time: u32,
    headers: Headers,
    scriptlets: Vec<(Phase, Scriptlet)>,
    pub(crate) triggers: Vec<Trigger>,
    /// What became of each file; nothing is said of further ones.
    states: Vec<u8>,
}

impl InstalledPackage {
    /// Reads a blob of `Packages`.
    ///
    /// # Errors
    /// When it is not a header of a package.
    pub fn parse(number: u32, blob: &[u8]) -> Result<Self, HeaderError> {
        let headers = Headers::new(shape::of_blob(blob).map_err(|source| HeaderError::Tag(Box::new(source.into())))?);
        let metadata = headers.read()?;
        let files = header::files(headers.tags(), Origin::Database)?;
        let package = header::package(&metadata, &files, 0, Origin::Database)?;
        let install_time = metadata.header.get_entry_data_as_u32(IndexTag::RPMTAG_INSTALLTIME).unwrap_or(0);
        let states = match metadata.header.entry(IndexTag::RPMTAG_FILESTATES) {
            Ok(IndexData::Char(states) | IndexData::Int8(states)) => states,
            _ => Vec::new(),
        };
        let (scriptlets, triggers) = (scriptlet::all(&metadata), trigger::all(&metadata));
        Ok(Self { number, package, files, install_time, headers, scriptlets, triggers, states })
    }

    /// The header, for whatever else is to be shown of the package; read again.
    ///
    /// # Errors
    /// None that reading the package would not have met.
    pub fn metadata(&self) -> Result<PackageMetadata, rpm::Error> {
        self.headers.read()
    }

    /// The script of a phase, if the package brought one.
    pub fn scriptlet(&self, phase: Phase) -> Option<Scriptlet> {
        scriptlet::find(&self.scriptlets, phase)
    }

    /// For each file whether it was really installed: `RPMFILE_STATE_NORMAL` is 0, all others say that this package's file is not there.
    pub fn present(&self) -> Vec<bool> {
        (0..self.files.len()).map(|at| self.states.get(at).is_none_or(|state| *state == 0)).collect()
    }
}

/// An opened database.
#[derive(Debug)]
pub struct RpmDb {
    connection: Connection,
}

impl RpmDb {
    /// Opens the database file for reading. It must be there.
    ///
    /// # Errors
    /// When it is not a database.
    pub fn open(file: &Path) -> Result<Self, RpmDbError> {
        let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(PATIENCE)?;
        Ok(Self { connection })
    }

    /// The numbers of all packages, sorted. None is ever used twice, so the same numbers are the same packages.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn numbers(&self) -> Result<Vec<u32>, RpmDbError> {
        let mut statement = self.connection.prepare("SELECT hnum FROM Packages ORDER BY hnum")?;
        let numbers = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(numbers)
    }

    /// All packages, by number.
    ///
    /// # Errors
    /// When the database or a header in it is damaged.
    pub fn installed(&self) -> Result<Vec<InstalledPackage>, RpmDbError> {
        let mut statement = self.connection.prepare("SELECT hnum, blob FROM Packages ORDER BY hnum")?;
        let mut rows = statement.query_map([], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
        let parse = |(number, blob): (u32, Vec<u8>)| {
            InstalledPackage::parse(number, &blob).map_err(|source| RpmDbError::Damaged { number, source })
        };
        let mut installed = Vec::new();
        loop {
            let blobs = rows.by_ref().take(AT_ONCE).collect::<Result<Vec<_>, _>>()?;
            if blobs.is_empty() {
                return Ok(installed);
            }
            installed.extend(blobs.into_par_iter().map(parse).collect::<Result<Vec<_>, _>>()?);
        }
    }
}
