//! What is asked of a transaction on a system.

use std::io;

use crate::history::{Action, Reason};
use crate::rpmfile::Verified;

/// One step. Packages that go are given by their numbers in the RPM database.
#[derive(Debug)]
pub enum Step {
    /// A package is installed in addition to the others. Packages that it obsoletes are removed.
    Install {
        /// The package.
        package: Verified,
        /// What it obsoletes.
        obsoleted: Vec<u32>,
        /// Why it comes.
        reason: Reason,
    },
    /// A package comes in place of older versions of it.
    Upgrade {
        /// The package.
        package: Verified,
        /// The older versions.
        from: Vec<u32>,
        /// What it obsoletes.
        obsoleted: Vec<u32>,
    },
    /// A package comes in place of newer versions of it.
    Downgrade {
        /// The package.
        package: Verified,
        /// The newer versions.
        from: Vec<u32>,
    },
    /// A package is installed again.
    Reinstall {
        /// The package.
        package: Verified,
        /// The same, as installed.
        from: u32,
    },
    /// A package goes.
    Erase {
        /// The package.
        number: u32,
    },
}

impl Step {
    /// What comes, and what the history calls that.
    pub(crate) fn incoming(&self) -> Option<(&Verified, Action)> {
        match self {
            Self::Install { package, .. } => Some((package, Action::Install)),
            Self::Upgrade { package, .. } => Some((package, Action::Upgrade)),
            Self::Downgrade { package, .. } => Some((package, Action::Downgrade)),
            Self::Reinstall { package, .. } => Some((package, Action::Reinstall)),
            Self::Erase { .. } => None,
        }
    }

    /// What goes, and what the history calls that.
    pub(crate) fn outgoing(&self) -> Vec<(u32, Action)> {
        let all = |numbers: &[u32], action| numbers.iter().map(|number| (*number, action)).collect::<Vec<_>>();
        match self {
            Self::Install { obsoleted, .. } => all(obsoleted, Action::Obsoleted),
            Self::Upgrade { from, obsoleted, .. } => [all(from, Action::Upgraded), all(obsoleted, Action::Obsoleted)].concat(),
            Self::Downgrade { from, .. } => all(from, Action::Downgraded),
            Self::Reinstall { from, .. } => vec![(*from, Action::Reinstalled)],
            Self::Erase { number } => vec![(*number, Action::Erase)],
        }
    }
}

/// What a transaction reports while it runs, from any thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'a> {
    /// The system is changed from here on. A program that ends before it is told the result leaves work to the next run, and scripts half done.
    Begins,
    /// Files are being unpacked; so many bytes more were written.
    Unpacked {
        /// The bytes.
        bytes: u64,
    },
    /// A package's files were put in their places.
    Installed {
        /// The package, with its version.
        package: &'a str,
    },
    /// A package's files were taken away.
    Removed {
        /// The package, with its version.
        package: &'a str,
    },
    /// A script or a step at the end runs.
    Running {
        /// What runs: `%post of x-1-1.noarch`, `ldconfig`.
        what: &'a str,
    },
    /// A script or a step at the end printed something.
    Output {
        /// Its text, as it came.
        text: &'a str,
    },
    /// Something went wrong that does not stop the transaction, or a file was kept next to another.
    Warning {
        /// What.
        text: &'a str,
    },
}

/// The receiver of reports.
pub trait Observer: Sync {
    /// Something happened.
    fn report(&self, event: Event<'_>);
}

/// Reports are discarded.
impl Observer for () {
    fn report(&self, _: Event<'_>) {}
}

/// Asked before every single change of the disk. Refusing all from some moment on is what a power cut looks like.
pub trait Gate: Sync {
    /// Whether `step` may be done.
    ///
    /// # Errors
    /// When it may not.
    fn pass(&self, step: &'static str) -> io::Result<()>;
}

/// Nothing is refused.
impl Gate for () {
    fn pass(&self, _: &'static str) -> io::Result<()> {
        Ok(())
    }
}

/// How a transaction is carried out.
#[derive(Clone, Copy)]
pub struct Settings<'a> {
    /// The time of installation, in seconds since 1970.
    pub time: u32,
    /// Who does it, for the history.
    pub user: u32,
    /// The command line, for the history.
    pub command: &'a str,
    /// Whether packages' own scripts are run.
    pub scripts: bool,
    /// Whether caches are renewed, users made and units enabled at the end.
    pub finish: bool,
    /// The receiver of reports.
    pub observer: &'a dyn Observer,
    /// Asked before every change of the disk.
    pub gate: &'a dyn Gate,
}

impl<'a> Settings<'a> {
    /// Does everything without reports.
    pub fn new(time: u32, command: &'a str) -> Self {
        Self { time, user: nix::unistd::getuid().as_raw(), command, scripts: true, finish: true, observer: &(), gate: &() }
    }
}

impl std::fmt::Debug for Settings<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("time", &self.time).field("command", &self.command).finish_non_exhaustive()
    }
}
