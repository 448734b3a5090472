//! A transaction as the history keeps it, and how it is taken back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::package::Nevra;

/// Why a package is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Somebody asked for it.
    User,
    /// Another package requires it.
    Dependency,
    /// Another package recommends it.
    WeakDependency,
}

impl Reason {
    /// Its word in the history and in listings.
    pub fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Dependency => "dependency",
            Self::WeakDependency => "weak-dependency",
        }
    }

    /// The reason with that word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::User, Self::Dependency, Self::WeakDependency].into_iter().find(|reason| reason.word() == word)
    }
}

/// What happened to one package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It came.
    Install,
    /// It came in place of an older version.
    Upgrade,
    /// It came in place of a newer version.
    Downgrade,
    /// It was installed again.
    Reinstall,
    /// It went.
    Erase,
    /// It went for a newer version.
    Upgraded,
    /// It went for an older version.
    Downgraded,
    /// It went because another package replaces it.
    Obsoleted,
    /// It went to be installed again.
    Reinstalled,
    /// It stayed, and is there for this reason from now on.
    Marked,
    /// It stayed, and was there for this reason until then.
    Unmarked,
}

impl Action {
    const ALL: [Self; 11] = [
        Self::Install,
        Self::Upgrade,
        Self::Downgrade,
        Self::Reinstall,
        Self::Erase,
        Self::Upgraded,
        Self::Downgraded,
        Self::Obsoleted,
        Self::Reinstalled,
        Self::Marked,
        Self::Unmarked,
    ];

    /// Its word in the history.
    pub fn word(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Upgrade => "upgrade",
            Self::Downgrade => "downgrade",
            Self::Reinstall => "reinstall",
            Self::Erase => "erase",
            Self::Upgraded => "upgraded",
            Self::Downgraded => "downgraded",
            Self::Obsoleted => "obsoleted",
            Self::Reinstalled => "reinstalled",
            Self::Marked => "marked",
            Self::Unmarked => "unmarked",
        }
    }

    /// The action with that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.word() == word)
    }

    /// Whether only the reason changed.
    pub fn is_mark(self) -> bool {
        matches!(self, Self::Marked | Self::Unmarked)
    }

    /// Whether the package is gone afterwards.
    pub fn removes(self) -> bool {
        matches!(self, Self::Erase | Self::Upgraded | Self::Downgraded | Self::Obsoleted | Self::Reinstalled)
    }

    /// What takes it back.
    fn reversed(self) -> Self {
        match self {
            Self::Install => Self::Erase,
            Self::Erase | Self::Obsoleted => Self::Install,
            Self::Upgrade => Self::Downgraded,
            Self::Upgraded => Self::Downgrade,
            Self::Downgrade => Self::Upgraded,
            Self::Downgraded => Self::Upgrade,
            Self::Reinstall => Self::Reinstalled,
            Self::Reinstalled => Self::Reinstall,
            Self::Marked => Self::Unmarked,
            Self::Unmarked => Self::Marked,
        }
    }
}

/// What happened to one package, and why that package is or was there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What happened.
    pub action: Action,
    /// The package.
    pub nevra: Nevra,
    /// Why it is or was there.
    pub reason: Reason,
}

/// A transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Distinguishes it from all others, also before it has a number.
    pub mark: String,
    /// When it was carried out, in seconds since 1970.
    pub time: u32,
    /// Who did it.
    pub user: u32,
    /// The command line.
    pub command: String,
    /// What it did. What went stands before what came in its place.
    pub changes: Vec<Change>,
}

/// What happened to `installed` packages, each with the reason it is there for, that `entries` do not tell.
pub(super) fn untold<'a>(entries: impl IntoIterator<Item = &'a Record>, installed: &[(Nevra, Reason)]) -> Vec<Change> {
    let mut known: BTreeMap<Nevra, Reason> = BTreeMap::new();
    for change in entries.into_iter().flat_map(|record| &record.changes).filter(|change| !change.action.is_mark()) {
        if change.action.removes() {
            known.remove(&change.nevra);
        } else {
            known.insert(change.nevra.clone(), change.reason);
        }
    }
    let there: BTreeMap<&Nevra, Reason> = installed.iter().map(|(nevra, reason)| (nevra, *reason)).collect();
    let gone = known.iter().filter(|(nevra, _)| !there.contains_key(nevra));
    let come = there.iter().filter(|(nevra, _)| !known.contains_key(**nevra));
    let change = |action, nevra: &Nevra, reason| Change { action, nevra: nevra.clone(), reason };
    let gone = gone.map(|(nevra, reason)| change(Action::Erase, nevra, *reason));
    gone.chain(come.map(|(nevra, reason)| change(Action::Install, nevra, *reason))).collect()
}

/// The changes taken back. What has to go stands before what comes in its place.
pub(super) fn reversed(changes: &[Change]) -> Vec<Change> {
    let mut back: Vec<Change> = changes.iter().rev().map(|change| Change { action: change.action.reversed(), ..change.clone() }).collect();
    back.sort_by(|a, b| a.nevra.name.cmp(&b.nevra.name).then_with(|| b.action.removes().cmp(&a.action.removes())));
    back
}
