//! What the host must have, examined one by one; each lack with the command that mends it.

use std::fmt;
use std::path::Path;

use serde::Serialize;

use crate::apt::{Archive, Settings};
use crate::diagnostic::Failure;
use crate::sandbox;
use crate::store::Store;
use crate::tool::Tool;

/// What was found of one thing.
#[derive(Debug, Serialize)]
pub struct Finding {
    /// What was examined.
    pub subject: &'static str,
    /// How it is.
    pub state: FindingState,
    /// In words.
    pub detail: String,
    /// What mends it.
    pub remedy: Option<String>,
}

/// How a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingState {
    /// As it should be.
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

    fn good(subject: &'static str, detail: impl Into<String>) -> Self {
        Self { subject, state: FindingState::Good, detail: detail.into(), remedy: None }
    }

    fn bad(subject: &'static str, state: FindingState, detail: impl Into<String>, remedy: impl Into<Option<String>>) -> Self {
        Self { subject, state, detail: detail.into(), remedy: remedy.into() }
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
            Some(remedy) => write!(f, "\n      mend it:    {remedy}"),
            None => Ok(()),
        }
    }
}

/// Room a build from nothing takes in the store: the SDK, sources, the largest trees and all results.
const SPACE_WANTED_GIB: u64 = 12;
/// Memory the largest link of a build takes.
const MEMORY_WANTED_MIB: u64 = 2048;

/// Examines everything.
pub fn examine(store: &Store, settings: &Settings) -> Vec<Finding> {
    vec![sandboxes(store), program("apt-get", "apt-get"), mirror(settings), space(store.root()), memory()]
}

fn sandboxes(store: &Store) -> Finding {
    match sandbox::probe(&store.root().join("scratch")) {
        Ok(()) => Finding::good("sandbox", "namespaces and overlays work for this user"),
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            Finding::bad("sandbox", FindingState::Lacking, format!("{error}{cause}"), error.hint())
        }
    }
}

fn program(subject: &'static str, name: &str) -> Finding {
    match Tool::new(name).arg("--version").output() {
        Ok(text) => Finding::good(subject, String::from_utf8_lossy(&text).lines().next().unwrap_or_default().trim().to_owned()),
        Err(error) => {
            let remedy = "use Debian or Ubuntu, or install their `apt` package".to_owned();
            Finding::bad(subject, FindingState::Lacking, error.to_string(), remedy)
        }
    }
}

fn mirror(settings: &Settings) -> Finding {
    match Archive::find(settings) {
        Ok(_) => Finding::good("archive", "a Debian archive is configured"),
        Err(error) => Finding::bad("archive", FindingState::Lacking, error.to_string(), error.hint()),
    }
}

fn space(folder: &Path) -> Finding {
    let Ok(status) = nix::sys::statvfs::statvfs(folder) else {
        return Finding::bad("space", FindingState::Poor, "the file system of the store tells nothing of its space", None);
    };
    let free_gib = (u128::from(status.blocks_available()) * u128::from(status.fragment_size())) >> 30;
    let detail = format!("{free_gib} GiB free for the store");
    if free_gib >= u128::from(SPACE_WANTED_GIB) {
        return Finding::good("space", detail);
    }
    let remedy = format!("a build from nothing wants {SPACE_WANTED_GIB} GiB: `cargo xtask gc`, or set KAON_STORE to a larger disk");
    Finding::bad("space", FindingState::Poor, detail, remedy)
}

fn memory() -> Finding {
    let available_mib = crate::workshop::available_memory_bytes() >> 20;
    let detail = format!("{available_mib} MiB available");
    if available_mib >= MEMORY_WANTED_MIB {
        return Finding::good("memory", detail);
    }
    Finding::bad("memory", FindingState::Poor, detail, "build with fewer jobs: `--jobs 1`".to_owned())
}
