//! An installed system: a root with an RPM database and a history.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::history::{Action, Change, History, HistoryError, Reason, Record};
use crate::lock::{Lock, LockError};
use crate::package::Nevra;
use crate::rpmdb::{self, InstalledPackage, RpmDb, RpmDbError};
use crate::transaction::beneath::Beneath;
use crate::transaction::place::Places;

/// Where the history, the journal and the lock are in a tree.
pub const DIRECTORY: &str = "/usr/lib/sysimage/tdnf";

/// The history's file.
pub const HISTORY: &str = "/usr/lib/sysimage/tdnf/history.sqlite";
const LOCK: &str = "/usr/lib/sysimage/tdnf/lock";

/// Why a system cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SystemError {
    /// The root, or something in it, cannot be used.
    #[error("cannot use `{path}`")]
    Io {
        /// The path on this machine.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another program changes it.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// The RPM database is of a kind that RPM wrote before SQLite.
    #[error("the RPM database `{path}` is not in SQLite's format: convert it first, with `rpmdb --rebuilddb` of RPM 4.16 or newer")]
    OldDatabase {
        /// The path in the tree.
        path: String,
    },
    /// The RPM database cannot be used.
    #[error("the RPM database cannot be used")]
    Database(#[from] RpmDbError),
    /// The history cannot be used.
    #[error("the history cannot be used")]
    History(#[from] HistoryError),
}

/// A package that is installed, and why.
#[derive(Debug)]
pub struct Installed {
    /// The package.
    pub package: InstalledPackage,
    /// Why it is there. Packages that other programs installed count as asked for.
    pub reason: Reason,
}

/// An installed system. Reading it takes no lock.
#[derive(Debug, Clone)]
pub struct System {
    root: PathBuf,
}

/// A system that only we may change.
#[derive(Debug)]
pub struct LockedSystem {
    system: System,
    _lock: Lock,
}

impl System {
    /// The system whose root is the directory `root`, which must be there.
    ///
    /// # Errors
    /// When it is not a directory.
    pub fn open(root: &Path) -> Result<Self, SystemError> {
        let root = fs::canonicalize(root).map_err(|source| SystemError::Io { path: root.to_owned(), source })?;
        Beneath::open(&root).map_err(|source| SystemError::Io { path: root.clone(), source })?;
        Ok(Self { root })
    }

    /// Its root on this machine.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether this is the system that runs.
    pub fn is_running(&self) -> bool {
        self.root == Path::new("/") && Path::new("/run/systemd/system").is_dir()
    }

    /// All installed packages, in the order they were installed in.
    ///
    /// # Errors
    /// When a database cannot be read.
    pub fn installed(&self) -> Result<Vec<Installed>, SystemError> {
        let file = self.database()?;
        if !file.exists() {
            return Ok(Vec::new());
        }
        let reasons = self.history()?.map(|history| history.reasons()).transpose()?.unwrap_or_default();
        let reason = |package: &InstalledPackage| {
            let nevra = &package.package.nevra;
            reasons.get(&(nevra.name.clone(), nevra.arch.clone())).copied().unwrap_or(Reason::User)
        };
        let packages = RpmDb::open(&file)?.installed()?;
        Ok(packages.into_iter().map(|package| Installed { reason: reason(&package), package }).collect())
    }

    /// Whether `installed`, as [`System::installed`] gave it, is still what is installed.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn is_current(&self, installed: &[Installed]) -> Result<bool, SystemError> {
        let file = self.database()?;
        let numbers = if file.exists() { RpmDb::open(&file)?.numbers()? } else { Vec::new() };
        Ok(installed.iter().map(|one| one.package.number).eq(numbers))
    }

    /// The history, if there is one yet.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn history(&self) -> Result<Option<History>, SystemError> {
        let file = self.file(HISTORY)?;
        if file.exists() { Ok(Some(History::read(&file)?)) } else { Ok(None) }
    }

    /// Takes the right to change the system, and makes the directories of the databases.
    ///
    /// # Errors
    /// When another program has it, or the root cannot be written.
    pub fn lock(&self) -> Result<LockedSystem, SystemError> {
        let database = self.database()?;
        let rpm = database.with_file_name(".rpm.lock");
        for directory in [database.parent().map(Path::to_owned), Some(self.file(DIRECTORY)?)].into_iter().flatten() {
            fs::create_dir_all(&directory).map_err(|source| SystemError::Io { path: directory, source })?;
        }
        let lock = Lock::take(&self.file(LOCK)?, &rpm)?;
        Ok(LockedSystem { system: self.clone(), _lock: lock })
    }

    /// Where the RPM database is on this machine, or is to be: other distributions have theirs in another directory.
    pub(crate) fn database(&self) -> Result<PathBuf, SystemError> {
        for directory in rpmdb::DIRECTORIES {
            let file = self.file(&format!("{directory}/{}", rpmdb::NAME))?;
            if file.exists() {
                return Ok(file);
            }
        }
        for old in rpmdb::DIRECTORIES.iter().flat_map(|directory| rpmdb::OLD_NAMES.map(|name| format!("{directory}/{name}"))) {
            if self.file(&old)?.exists() {
                return Err(SystemError::OldDatabase { path: old });
            }
        }
        self.file(rpmdb::FILE)
    }

    /// Where a path of the tree is on this machine: the tree's own links do not lead out of it.
    pub(crate) fn file(&self, path: &str) -> Result<PathBuf, SystemError> {
        let io = |source| SystemError::Io { path: self.root.join(path.trim_start_matches('/')), source };
        let mut places = Places::new(Beneath::open(&self.root).map_err(io)?);
        let place = places.place(path).map_err(io)?;
        Ok(self.root.join(place.trim_start_matches('/')))
    }
}

impl LockedSystem {
    /// The system.
    pub fn system(&self) -> &System {
        &self.system
    }

    /// Takes note in the history of what other programs installed and removed since. Gives the number of the new transaction, if there is one.
    ///
    /// # Errors
    /// When a database cannot be used.
    pub fn catch_up(&self, time: u32, command: &str) -> Result<Option<u32>, SystemError> {
        let installed = self.system.installed()?;
        let installed: Vec<_> = installed.into_iter().map(|one| (one.package.package.nevra, one.reason)).collect();
        let (mark, user) = (format!("noted-{time:x}"), nix::unistd::getuid().as_raw());
        let facts = Record { mark, time, user, command: command.to_owned(), changes: Vec::new() };
        Ok(History::open(&self.system.file(HISTORY)?)?.catch_up(&installed, facts)?)
    }

    /// Records that installed packages are there for `reason` from now on: `marked` are those for which that is new, and why they were there.
    /// Gives the number of the transaction, if there is anything to record.
    ///
    /// # Errors
    /// When the history cannot be written.
    pub fn mark(&self, marked: &[(Nevra, Reason)], reason: Reason, time: u32, command: &str) -> Result<Option<u32>, SystemError> {
        if marked.is_empty() {
            return Ok(None);
        }
        let mut history = History::open(&self.system.file(HISTORY)?)?;
        let change = |action, nevra: &Nevra, reason| Change { action, nevra: nevra.clone(), reason };
        let pair = |(nevra, was): &(Nevra, Reason)| [change(Action::Unmarked, nevra, *was), change(Action::Marked, nevra, reason)];
        let changes = marked.iter().flat_map(pair).collect();
        let (mark, user) = (format!("marked-{time:x}-{}", history.list()?.len()), nix::unistd::getuid().as_raw());
        Ok(Some(history.add(&Record { mark, time, user, command: command.to_owned(), changes })?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_is_where_rpm_has_it() {
        let root = tempfile::tempdir().unwrap();
        let system = System::open(root.path()).unwrap();
        let put = |path: &str| {
            let path = system.root().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            path
        };
        assert_eq!(system.database().unwrap(), system.root().join(&rpmdb::FILE[1..]), "a new system");
        let old = put("var/lib/rpm/Packages");
        assert!(matches!(system.database(), Err(SystemError::OldDatabase { path }) if path == "/var/lib/rpm/Packages"));
        let others = put("var/lib/rpm/rpmdb.sqlite");
        fs::remove_file(old).unwrap();
        assert_eq!(system.database().unwrap(), others);
        let own = put(&rpmdb::FILE[1..]);
        assert_eq!(system.database().unwrap(), own);
    }
}
