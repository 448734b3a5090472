//! What goes wrong, with the numbers the reference gives it.

use std::io;
use std::path::PathBuf;

use serde_json::Value;

use super::session::Session;
use crate::cache::CacheError;
use crate::download::DownloadError;
use rpm_engine::config::ConfigError;
use rpm_engine::rpmfile::RpmFileError;
use rpm_engine::solver::SolveError;
use rpm_engine::system::SystemError;
use rpm_engine::transaction::ApplyError;

/// Why a command ends without having done what was asked.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The configuration is not accepted.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A repository cannot be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The installed system cannot be used.
    #[error(transparent)]
    System(#[from] SystemError),
    /// Packages do not fit together.
    #[error(transparent)]
    Solve(#[from] SolveError),
    /// A package file is not accepted.
    #[error(transparent)]
    Package(#[from] RpmFileError),
    /// A package cannot be fetched.
    #[error("a package cannot be fetched")]
    Download(#[from] DownloadError),
    /// The system could not be changed.
    #[error(transparent)]
    Transaction(#[from] ApplyError),
    /// Nothing bears such a name.
    #[error("No matching packages")]
    NoMatch,
    /// Nothing was found.
    #[error("No matches found")]
    NoSearchResults,
    /// There is nothing to do, which is not a failure.
    #[error("Nothing to do.")]
    NothingToDo,
    /// There is nothing to show, which is not a failure.
    #[error("No data available")]
    NoData,
    /// There are updates, which `check-update` says by its exit code.
    #[error("updates are available")]
    UpdatesAvailable,
    /// No repository is in use.
    #[error("There are no enabled repos.")]
    NoEnabledRepos {
        /// Whether there are any that are not enabled.
        others: bool,
    },
    /// Only root may.
    #[error("Operation not permitted. You have to be root.")]
    NotRoot,
    /// The user said no.
    #[error("Operation aborted.")]
    Aborted,
    /// Something is removed that must stay.
    #[error("these packages are protected and would be removed: {}", .0.join(", "))]
    Protected(Vec<String>),
    /// What was asked for does not fit.
    #[error("the requested packages cannot be installed together:\n{0}")]
    Unfit(String),
    /// A downgrade is forbidden.
    #[error("`minversions` forbids to downgrade to {}", .0.join(", "))]
    BelowMinimum(Vec<String>),
    /// Something is changed that must stay as it is.
    #[error("these packages are locked or excluded and would be changed: {}", .0.join(", "))]
    Locked(Vec<String>),
    /// Installed packages do not fit together.
    #[error("{0} problem(s) found")]
    CheckFailed(usize),
    /// Options do not go together.
    #[error("{0}")]
    Usage(String),
    /// A key or section of the configuration is not there, or is there already.
    #[error("{text}")]
    Setting {
        /// The reference's exit code.
        code: u8,
        /// What is wrong.
        text: String,
    },
    /// An option has no meaning without another.
    #[error("{0}")]
    Parameter(String),
    /// With an answer in JSON that was known before.
    #[error("{error}")]
    After {
        /// The answer.
        answer: Box<Value>,
        /// What went wrong.
        error: Box<CliError>,
    },
    /// A file cannot be used.
    #[error("cannot use `{path}`")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl CliError {
    /// The reference's number for it; the exit code is its lowest byte.
    pub fn number(&self) -> u32 {
        match self {
            Self::Config(ConfigError::NoSuchRepository { .. }) => 1009,
            Self::Config(ConfigError::NotAnAssignment { .. }) => 911,
            Self::Config(ConfigError::NoDirectory { .. }) => 1005,
            Self::Config(ConfigError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => 1602,
            Self::Config(_) => 1002,
            Self::Cache(CacheError::NotCached { .. }) => 1034,
            Self::Cache(CacheError::NoKeys { .. }) => 1523,
            Self::Cache(CacheError::Key { .. } | CacheError::Keys { .. } | CacheError::KeyNotAccepted { .. }) => 1505,
            Self::Cache(
                CacheError::Refused { .. }
                | CacheError::Unsigned { .. }
                | CacheError::Older { .. }
                | CacheError::Expired { .. }
                | CacheError::NotInMetalink { .. },
            ) => 2501,
            Self::Cache(CacheError::Download { source: DownloadError::Io { source, .. }, .. })
            | Self::Cache(CacheError::Io { source, .. })
            | Self::Download(DownloadError::Io { source, .. })
                if source.kind() == io::ErrorKind::StorageFull =>
            {
                1036
            }
            Self::Cache(_) | Self::Download(_) => 1006,
            Self::System(SystemError::History(_)) => 1801,
            Self::System(_) => 1526,
            Self::Solve(SolveError::Missing { .. }) | Self::NoMatch => 1011,
            Self::Solve(SolveError::Conflict { .. }) | Self::Unfit(_) | Self::Locked(_) => 1301,
            Self::BelowMinimum(_) => 1035,
            Self::Package(_) => 1514,
            Self::Transaction(_) => 1525,
            Self::NoSearchResults => 1599,
            Self::NothingToDo | Self::NoData => 0,
            Self::UpdatesAvailable => 100,
            Self::NoEnabledRepos { .. } => 1012,
            Self::NotRoot => 1601,
            Self::Aborted => 1032,
            Self::Protected(_) => 1030,
            Self::CheckFailed(_) => 1515,
            Self::Usage(_) => 902,
            Self::Parameter(_) => 1622,
            Self::Setting { code, .. } => u32::from(*code),
            Self::Io { .. } => 1602,
            Self::After { error, .. } => error.number(),
        }
    }

    /// The error with what is known already, so that a failure in JSON is one document, too.
    pub fn after(self, session: &Session, answer: impl FnOnce() -> Value) -> Self {
        if session.console.json { Self::After { answer: Box::new(answer()), error: Box::new(self) } } else { self }
    }

    /// What went wrong, and what is known in JSON in spite of it.
    pub fn parts(&self) -> (&Self, Option<&Value>) {
        if let Self::After { answer, error } = self { (error, Some(answer)) } else { (self, None) }
    }

    /// What to do next, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::After { error, .. } => error.hint(),
            Self::Cache(error) => error.hint(),
            Self::Config(ConfigError::NoSuchRepository { .. }) => Some("`tdnf repolist all` lists them".into()),
            Self::Solve(SolveError::Missing { similar, .. }) if !similar.is_empty() => Some(format!("there is {}", similar.join(", "))),
            Self::Solve(SolveError::Conflict { .. }) => Some("`--skip-broken` skips packages that cannot be installed".into()),
            Self::NoEnabledRepos { others: true } => Some("`tdnf repolist all` lists them; `--enablerepo=ID` enables one".into()),
            Self::NoEnabledRepos { others: false } => {
                Some("no repository is configured: put a `.repo` file into `/etc/yum.repos.d`, or use `--repofrompath=ID,URL`".into())
            }
            Self::BelowMinimum(_) => Some("change the `minversions.d` files, if it may be that old".into()),
            Self::Package(RpmFileError::Source { .. }) => {
                Some("`rpmbuild --rebuild` builds packages from it; `tdnf --builddeps install NAME` installs what that needs".into())
            }
            Self::Download(error) if error.is_missing() || matches!(error, DownloadError::Digest { .. }) => {
                Some("the repository may have changed since its metadata was fetched: try `--refresh`".into())
            }
            Self::Download(error) => error.hint().map(str::to_owned),
            Self::Locked(_) => Some("remove them from the `locks.d` files, or from `--exclude`, if they may be changed".into()),
            Self::Config(ConfigError::NoDirectory { .. }) => Some("make it, or correct `repodir` in `tdnf.conf`".into()),
            Self::Protected(_) => Some("remove them from the `protected.d` files if they may be removed".into()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers are the reference's (`tdnferror.h`), so that scripts work with both.
    #[test]
    fn numbers() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let none = || io::Error::from(io::ErrorKind::NotFound);
        let status = |status| DownloadError::Status { url: "u".into(), status, proxy: None };
        let id = || "r".to_owned();
        let table = [
            (CliError::NoMatch, 1011),
            (CliError::NoSearchResults, 1599),
            (CliError::NothingToDo, 0),
            (CliError::NoData, 0),
            (CliError::UpdatesAvailable, 100),
            (CliError::NoEnabledRepos { others: true }, 1012),
            (CliError::NotRoot, 1601),
            (CliError::Aborted, 1032),
            (CliError::Protected(vec![]), 1030),
            (CliError::Locked(vec![]), 1301),
            (CliError::Unfit(String::new()), 1301),
            (CliError::BelowMinimum(vec![]), 1035),
            (CliError::CheckFailed(1), 1515),
            (CliError::Usage(String::new()), 902),
            (CliError::Parameter(String::new()), 1622),
            (CliError::Io { path: "p".into(), source: none() }, 1602),
            (ConfigError::NoSuchRepository { id: id() }.into(), 1009),
            (ConfigError::NotAnAssignment { text: id() }.into(), 911),
            (ConfigError::NoDirectory { path: "p".into() }.into(), 1005),
            (ConfigError::Io { path: "p".into(), source: none() }.into(), 1602),
            (ConfigError::Io { path: "p".into(), source: io::Error::other("x") }.into(), 1002),
            (CacheError::NotCached { id: id() }.into(), 1034),
            (CacheError::NoKeys { id: id() }.into(), 1523),
            (CacheError::KeyNotAccepted { id: id(), key: id() }.into(), 1505),
            (CacheError::Expired { id: id() }.into(), 2501),
            (CacheError::Download { id: id(), source: status(404) }.into(), 1006),
            (CacheError::Io { path: "p".into(), source: full() }.into(), 1036),
            (DownloadError::Io { url: id(), path: "p".into(), source: full() }.into(), 1036),
            (status(500).into(), 1006),
            (SolveError::Missing { missing: vec![], similar: vec![] }.into(), 1011),
            (SolveError::Conflict { explanation: String::new() }.into(), 1301),
        ];
        for (error, number) in table {
            assert_eq!(error.number(), number, "{error}");
        }
    }
}
