//! Findings.

use std::error::Error;
use std::fmt;

use serde::Serialize;

use base::diagnostic::Failure;

/// The finding about one subject.
#[derive(Debug, Serialize)]
pub struct Finding {
    /// What was examined.
    pub subject: &'static str,
    /// Its state.
    pub state: FindingState,
    /// The details as text.
    pub detail: String,
    /// What fixes it.
    pub remedy: Option<String>,
}

/// The state of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingState {
    /// Everything is right.
    Good,
    /// Works, but not well.
    Poor,
    /// Builds cannot work.
    Lacking,
}

impl Finding {
    /// Whether builds cannot work.
    pub fn is_lack(&self) -> bool {
        self.state == FindingState::Lacking
    }

    pub(super) fn good(subject: &'static str, detail: impl Into<String>) -> Self {
        Self { subject, state: FindingState::Good, detail: detail.into(), remedy: None }
    }

    pub(super) fn bad(subject: &'static str, state: FindingState, detail: impl Into<String>, remedy: impl Into<Option<String>>) -> Self {
        Self { subject, state, detail: detail.into(), remedy: remedy.into() }
    }

    /// A failure with all its causes and its hint, unless that refers to `doctor`.
    pub(super) fn failed(subject: &'static str, state: FindingState, failure: &dyn Failure) -> Self {
        let mut detail = failure.to_string();
        let mut cause: Option<&(dyn Error + 'static)> = failure.source();
        while let Some(error) = cause {
            detail = format!("{detail}: {error}");
            cause = error.source();
        }
        Self::bad(subject, state, detail, failure.hint().filter(|hint| !hint.contains("cargo xtask doctor")))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.state {
            FindingState::Good => "ok  ",
            FindingState::Poor => "poor",
            FindingState::Lacking => "LACK",
        };
        write!(f, "{mark}  {:12} {}", self.subject, self.detail)?;
        match &self.remedy {
            Some(remedy) => write!(f, "\n      fix:        {remedy}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::sandbox::SandboxError;

    #[test]
    fn no_finding_sends_the_user_to_the_doctor() {
        let error = SandboxError::Worker { operation: "start", source: std::io::Error::from_raw_os_error(nix::libc::ENOMEM) };
        assert!(error.hint().is_some_and(|hint| hint.contains("cargo xtask doctor")));
        let finding = Finding::failed("sandbox", FindingState::Lacking, &error);
        assert_eq!(finding.to_string(), "LACK  sandbox      cannot start the sandbox's worker: Cannot allocate memory (os error 12)");
    }
}
