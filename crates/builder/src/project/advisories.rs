//! The advisories on disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base::diagnostic::{ExitCode, Failure};
use packaging::repo::{Advisories, InvalidAdvisory};

/// Why the advisories could not be read.
#[derive(Debug, thiserror::Error)]
pub enum AdvisoriesError {
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file contains a mistake.
    #[error("cannot parse `specs/advisories.toml`")]
    Malformed {
        /// What is wrong.
        source: InvalidAdvisory,
    },
}

impl Failure for AdvisoriesError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Malformed { .. } => Some("docs/src/packages.md describes the format".into()),
            Self::Io { .. } => None,
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::Malformed { .. } => ExitCode::Description,
            Self::Io { .. } => ExitCode::Failed,
        }
    }
}

/// Reads `specs/advisories.toml`; an absent file means none.
///
/// # Errors
/// When it cannot be read or is malformed.
pub fn load_advisories(root: &Path) -> Result<Advisories, AdvisoriesError> {
    let path = root.join("specs/advisories.toml");
    match fs::read_to_string(&path) {
        Ok(text) => Advisories::parse(&text).map_err(|source| AdvisoriesError::Malformed { source }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Advisories::default()),
        Err(source) => Err(AdvisoriesError::Io { path, source }),
    }
}
