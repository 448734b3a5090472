//! What goes wrong. The numbers of errors are in [`super::number`].

use std::fmt;
use std::io;
use std::path::PathBuf;

use nix::sys::signal::Signal;
use serde_json::Value;

use super::session::Session;
use crate::cache::CacheError;
use crate::download::DownloadError;
use rpm_engine::config::ConfigError;
use rpm_engine::package::Nevra;
use rpm_engine::rpmfile::RpmFileError;
use rpm_engine::solver::SolveError;
use rpm_engine::system::SystemError;
use rpm_engine::transaction::ApplyError;

/// Options of `--downloadonly`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Downloading {
    /// `--downloaddir`
    Directory,
    /// `--alldeps`
    All,
}

impl fmt::Display for Downloading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Directory => "--downloaddir",
            Self::All => "--alldeps",
        })
    }
}

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
    /// The metadata of a repository describes another package than the one it names.
    #[error("`{path}` is {found}, not {expected}")]
    OtherPackage {
        /// The package file.
        path: PathBuf,
        /// What it is.
        found: Box<Nevra>,
        /// What the metadata says.
        expected: Box<Nevra>,
    },
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
    /// Something is changed that is locked.
    #[error("these packages are locked (`locks.d`) and would be changed: {}", .0.join(", "))]
    Locked(Vec<String>),
    /// Something is removed that is excluded on the command line.
    #[error("these packages are excluded (`--exclude`) and would be removed: {}", .0.join(", "))]
    Excluded(Vec<String>),
    /// Older versions are to be removed that other packages require.
    #[error("these packages require older versions that would be removed: {}", .0.join(", "))]
    OlderRequired(Vec<String>),
    /// What a transaction changed cannot go back without packages that it did not bring.
    #[error("these packages, which are no part of that, require what would be removed or replaced: {}", .0.join(", "))]
    StillRequired(Vec<String>),
    /// Copied packages are not signed by anybody trusted.
    #[error("these packages are not trusted and were not copied: {}", .0.join(", "))]
    Untrusted(Vec<String>),
    /// What is asked for depends on what is installed.
    #[error("`{0}` cannot be requested: only `or`, `and`, `with` and `without` can")]
    Conditional(String),
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
    /// An option has no meaning without `--downloadonly`.
    #[error("`{0}` requires `--downloadonly`")]
    OnlyWithDownload(Downloading),
    /// With an answer in JSON that was known before.
    #[error("{error}")]
    After {
        /// The answer.
        answer: Box<Value>,
        /// What went wrong.
        error: Box<CliError>,
    },
    /// A signal asked the program to end while it changed the system, which was finished first.
    #[error("{0} came while the system was changed, which was finished first")]
    Signalled(Signal),
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
    /// The error with what is known already, so that a failure in JSON is one document, too.
    pub fn after(self, session: &Session, answer: impl FnOnce() -> Value) -> Self {
        if session.console.json { Self::After { answer: Box::new(answer()), error: Box::new(self) } } else { self }
    }

    /// What went wrong, and what is known in JSON in spite of it.
    pub fn parts(&self) -> (&Self, Option<&Value>) {
        if let Self::After { answer, error } = self { (error, Some(answer)) } else { (self, None) }
    }

    /// The error and its causes in one line.
    pub fn with_causes(&self) -> String {
        let causes = std::iter::successors(std::error::Error::source(self), |cause| cause.source());
        causes.fold(self.to_string(), |text, cause| format!("{text}: {cause}"))
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
            Self::Download(error)
                if error.is_missing() || matches!(error, DownloadError::Digest { .. } | DownloadError::TooLarge { .. }) =>
            {
                Some("the repository may have changed since its metadata was fetched: try `--refresh`".into())
            }
            Self::OtherPackage { expected, .. } => Some(format!(
                "the repository's metadata is wrong: ask its operator; `--exclude={}` does without the package",
                expected.name
            )),
            Self::Download(error) => error.hint().map(str::to_owned),
            Self::Transaction(error) => error.hint(),
            Self::Locked(_) => Some("remove them from the `locks.d` files if they may be changed".into()),
            Self::Excluded(_) => Some("remove them from `--exclude` if they may be removed".into()),
            Self::OlderRequired(_) => Some("update or erase them first".into()),
            Self::StillRequired(_) => Some("erase them first, or let them go with `--allowerasing`".into()),
            Self::Untrusted(_) => Some("`gpgkey` of the repository names the keys that its packages are checked with".into()),
            Self::Conditional(_) => Some("name the package that is to be installed".into()),
            Self::Config(ConfigError::NoDirectory { .. }) => Some("make it, or correct `repodir` in `tdnf.conf`".into()),
            Self::Protected(_) => Some("remove them from the `protected.d` files if they may be removed".into()),
            _ => None,
        }
    }
}
