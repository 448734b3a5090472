//! Why a tree could not be composed.

use std::io;
use std::path::{Path, PathBuf};

use rpm_engine::filecaps::InvalidCaps;
use rpm_engine::keyring::KeyError;
use rpm_engine::rpmfile::RpmFileError;
use rpm_engine::solver::SolveError;
use rpm_engine::transaction::TransactionError;

use super::account::AccountError;
use super::shared::{Disagreement, list};
use base::diagnostic::{ExitCode, Failure};
use base::file_error::FileError;
use runtime::sandbox::SandboxError;

/// Why a tree could not be composed or written.
#[derive(Debug, thiserror::Error)]
pub enum RootfsError {
    /// A request for a package is malformed.
    #[error("`{text}` is not a package request: write a name, optionally with an operator and a version")]
    BadRequest {
        /// The request.
        text: String,
    },
    /// The keys are unusable.
    #[error("packages cannot be checked")]
    Keys(#[from] KeyError),
    /// A package file is not accepted.
    #[error(transparent)]
    Package(#[from] RpmFileError),
    /// The packages cannot be resolved.
    #[error(transparent)]
    Solve(#[from] SolveError),
    /// The packages cannot be installed.
    #[error(transparent)]
    Install(#[from] TransactionError),
    /// Packages have different modes or owners for a directory.
    #[error("packages do not agree on directories: {}", list(.0))]
    Directories(Vec<Disagreement>),
    /// The tree lacks a unit that is to be enabled or disabled.
    #[error("no installed package contains the unit `{unit}`")]
    NoUnit {
        /// The unit.
        unit: String,
    },
    /// An extra file cannot be added.
    #[error("`{path}` cannot be added to the root file system: {reason}")]
    ExtraFile {
        /// The path in the tree.
        path: String,
        /// Why.
        reason: &'static str,
    },
    /// Users and groups cannot be made.
    #[error("cannot create the users and groups of the root file system")]
    Accounts(#[from] AccountError),
    /// A file belongs to a user or group that the tree does not have.
    #[error("`{path}` of {package} belongs to {what} `{name}`, which does not exist in the root file system")]
    UnknownOwner {
        /// The path in the tree.
        path: String,
        /// The package.
        package: String,
        /// `user` or `group`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A script's interpreter exists only in rpm.
    #[error("{package} contains a script for `{interpreter}`, which cannot be run in the root file system")]
    Interpreter {
        /// The package.
        package: String,
        /// The interpreter.
        interpreter: String,
    },
    /// A step in the tree could not be run.
    #[error("cannot run steps in the root file system")]
    Sandbox(#[from] SandboxError),
    /// A step in the tree failed.
    #[error("`{step}` failed in the root file system with {end}")]
    Step {
        /// The step.
        step: String,
        /// How it ended.
        end: String,
        /// Where its output is.
        log: PathBuf,
    },
    /// A file of the tree is of a kind that no image contains.
    #[error("`{path}` is neither a file, a directory nor a symbolic link")]
    Special {
        /// The path in the tree.
        path: String,
    },
    /// A file's capabilities cannot be parsed.
    #[error("the capabilities of `{path}`")]
    Caps {
        /// The path in the tree.
        path: String,
        /// Why.
        source: InvalidCaps,
    },
    /// A file cannot be read or written.
    #[error(transparent)]
    Io(FileError),
}

impl RootfsError {
    pub(super) fn io<'a>(operation: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self::Io(FileError::new(operation, path, source))
    }
}

impl Failure for RootfsError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Sandbox(error) => Some(error),
            Self::BadRequest { .. }
            | Self::Keys(_)
            | Self::Package(_)
            | Self::Solve(_)
            | Self::Install(_)
            | Self::Directories(_)
            | Self::NoUnit { .. }
            | Self::ExtraFile { .. }
            | Self::Accounts(_)
            | Self::UnknownOwner { .. }
            | Self::Interpreter { .. }
            | Self::Step { .. }
            | Self::Special { .. }
            | Self::Caps { .. }
            | Self::Io(_) => None,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Solve(SolveError::Missing { similar, .. }) if !similar.is_empty() => format!("there are {}", similar.join(", ")),
            Self::Solve(SolveError::Missing { .. }) => "`cargo xtask list` lists all packages".into(),
            Self::Directories(found) => {
                let path = found.first().map_or("/dir", |first| &first.path);
                format!("set the same mode and owner in both specs, in `[file.\"{path}\"]`")
            }
            Self::NoUnit { .. } => {
                "add the package that contains it to the image's `packages`, or remove the unit from `[services]`".into()
            }
            Self::UnknownOwner { what, name, package, .. } => {
                format!("declare `[{what}.{name}]` in the spec of {package}, or require the package that declares it")
            }
            Self::Step { log, .. } => format!("its output is in {}", log.display()),
            _ => return self.inner()?.hint(),
        })
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::BadRequest { .. } | Self::NoUnit { .. } | Self::ExtraFile { .. } => ExitCode::Description,
            Self::Keys(_)
            | Self::Package(_)
            | Self::Solve(_)
            | Self::Install(_)
            | Self::Directories(_)
            | Self::Accounts(_)
            | Self::UnknownOwner { .. }
            | Self::Interpreter { .. }
            | Self::Sandbox(_)
            | Self::Step { .. }
            | Self::Special { .. }
            | Self::Caps { .. }
            | Self::Io(_) => self.inner().map_or(ExitCode::Failed, Failure::exit),
        }
    }
}
