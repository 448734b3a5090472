//! What a test needs, written as the reason of its `#[ignore]`, and the stage that provides it.

use std::fmt;

use serde::Serialize;

/// A step of `cargo xtask test`. Later stages need more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Tests that need only the code: no store, no network, no SDK.
    Code,
    /// Tests that run programs of the SDK, in sandboxes.
    Sdk,
    /// Tests on built packages and images: third-party tools, and boots in the emulator.
    System,
    /// The project built and tested in minimal roots of distributions. It contains no tests of cargo.
    Bare,
}

impl Stage {
    /// The stages of cargo's tests, in the order in which they run.
    pub const OF_TESTS: [Self; 3] = [Self::Code, Self::Sdk, Self::System];
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Code => "code",
            Self::Sdk => "sdk",
            Self::System => "system",
            Self::Bare => "bare",
        })
    }
}

/// What a test needs beyond its own code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing: it is not ignored.
    Nothing,
    /// Root, for operations that only root can do.
    Root,
    /// Layers of the SDK.
    Sdk,
    /// Layers of the SDK, and root.
    SdkAsRoot,
    /// Layers of the SDK, and the programs of buildbox: a server of the Remote Execution API, and what runs its actions.
    Buildbox,
    /// Layers of the SDK, and nginx.
    Nginx,
    /// Packages or images that were built before.
    Built,
    /// Another test, which starts it as a separate process: it never runs by itself.
    Parent,
}

/// The prefixes of `#[ignore]` reasons, and their meaning.
const REASONS: [(&str, Need); 9] = [
    ("needs root and the SDK", Need::SdkAsRoot),
    ("needs root", Need::Root),
    ("needs the SDK", Need::Sdk),
    ("needs buildbox and the SDK", Need::Buildbox),
    ("needs nginx and the SDK", Need::Nginx),
    ("needs the built", Need::Built),
    ("is a process", Need::Parent),
    ("is the process", Need::Parent),
    ("another test calls it", Need::Parent),
];

impl Need {
    /// The meaning of an `#[ignore]` reason, if it is known.
    pub fn of_reason(reason: &str) -> Option<Self> {
        REASONS.iter().find(|(beginning, _)| reason.starts_with(beginning)).map(|(_, need)| *need)
    }

    /// The stage that runs such a test; `None` for a test that is only started by another one.
    pub fn stage(self) -> Option<Stage> {
        match self {
            Self::Nothing | Self::Root => Some(Stage::Code),
            Self::Sdk | Self::SdkAsRoot | Self::Buildbox | Self::Nginx => Some(Stage::Sdk),
            Self::Built => Some(Stage::System),
            Self::Parent => None,
        }
    }

    /// Whether only root can run such a test.
    pub fn is_for_root(self) -> bool {
        match self {
            Self::Root | Self::SdkAsRoot => true,
            Self::Nothing | Self::Sdk | Self::Buildbox | Self::Nginx | Self::Built | Self::Parent => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_lead_to_stages() {
        let stage = |reason| Need::of_reason(reason).map(Need::stage);
        assert_eq!(stage("needs root: gives a file to another user"), Some(Some(Stage::Code)));
        assert_eq!(stage("needs root and the SDK: drops capabilities"), Some(Some(Stage::Sdk)));
        assert_eq!(stage("needs the SDK"), Some(Some(Stage::Sdk)));
        assert_eq!(stage("needs buildbox and the SDK"), Some(Some(Stage::Sdk)));
        assert_eq!(stage("needs nginx and the SDK"), Some(Some(Stage::Sdk)));
        assert_eq!(stage("needs the built packages and the SDK"), Some(Some(Stage::System)));
        assert_eq!(stage("is a process another test starts"), Some(None));
        assert_eq!(stage("flaky"), None, "a reason that says nothing about needs is not accepted");
    }
}
