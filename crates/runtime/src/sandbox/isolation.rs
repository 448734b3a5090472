//! How a sandbox is isolated from the host, and its possible weaknesses.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::job::Outcome;
use crate::progress::Reporter;
use base::digest::Digest;

/// How a sandbox is kept apart from the host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    /// Unprivileged namespaces; needs no privileges
    #[default]
    Namespaces,
    /// A copied root and chroot, for containers that forbid namespaces; weaker, and only for root
    Chroot,
}

/// A weakness of a sandbox compared to one with all namespaces and its own `/proc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weakness {
    /// Its `/proc` shows the processes of the surrounding container.
    HostProcesses,
    /// It has no namespaces.
    Chroot,
}

impl Weakness {
    /// The message for the user.
    pub fn note(self) -> &'static str {
        match self {
            Self::HostProcesses => {
                "this container refuses a fresh /proc: builds see that of the container, read-only, with the names of its processes"
            }
            Self::Chroot => {
                "builds run in a chroot (--sandbox chroot): without namespaces, /proc, pseudo-terminals and a loopback interface; their results are stored separately from those of other builds"
            }
        }
    }
}

/// Set once, from the command line.
static SELECTED: OnceLock<Isolation> = OnceLock::new();

impl Isolation {
    /// Selects this isolation for all sandboxes of this process. Only the first call has an effect.
    pub fn select(self) {
        let _ = SELECTED.set(self);
    }

    /// The isolation of all sandboxes of this process: that of the first call of [`Isolation::select`].
    pub fn selected() -> Self {
        SELECTED.get().copied().unwrap_or_default()
    }

    /// Its field in the keys of what was made in such sandboxes; `None` for the default isolation.
    pub fn key_field(self) -> Option<(String, Digest)> {
        match self {
            Self::Namespaces => None,
            Self::Chroot => Some(("sandbox chroot".into(), Digest::of_bytes("sandbox chroot"))),
        }
    }

    /// The key of something made in such sandboxes, if `key` is that of the same thing made with the default isolation.
    pub fn keyed(self, key: Digest) -> Digest {
        match self.key_field() {
            None => key,
            Some((name, _)) => Digest::of_json(&(name, key)),
        }
    }
}

/// Reports the weakness of the sandbox of `outcome`, once per process.
pub fn report_weakness(outcome: &Outcome, reporter: &dyn Reporter) {
    static TOLD: AtomicBool = AtomicBool::new(false);
    if let Some(weakness) = outcome.weakness
        && !TOLD.swap(true, Ordering::Relaxed)
    {
        reporter.warn(weakness.note());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_weaker_sandboxes_change_keys() {
        let key = Digest::of_bytes("x");
        assert_eq!(Isolation::Namespaces.keyed(key), key);
        assert_ne!(Isolation::Chroot.keyed(key), key);
        assert_eq!(Isolation::Namespaces.key_field(), None);
        assert!(Isolation::Chroot.key_field().is_some());
    }
}
