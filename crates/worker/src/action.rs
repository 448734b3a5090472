//! The files of a remote build: what the builder sends, and what the worker leaves.
//!
//! All inputs are in one directory, in which the worker is started: [`PROGRAM`], [`ACTION`], [`FILES`], the sources, the packages that the build
//! starts from, and the layers of the SDK, each as one file. A layer's file may be absent: a worker that unpacked it for an earlier build has it.

use std::collections::BTreeMap;

use base::digest::Digest;
use base::name::PackageName;
use planning::action::BuiltPackage;
use serde::{Deserialize, Serialize};

use crate::job::Commands;

/// The worker's program.
pub const PROGRAM: &str = "kaon-worker";
/// The argument that lets it run the action of its working directory.
pub const ARGUMENT: &str = "action";
/// The description of the build: an [`Action`].
pub const ACTION: &str = "action.json";
/// A tar archive of the files next to the spec and the project's crates, with their places below the directory of the build.
pub const FILES: &str = "files.tar";
/// The directory of what the worker leaves: packages, [`REPORT`] and [`LOG`].
pub const OUT: &str = "out";
/// What became of the build: a [`Report`].
pub const REPORT: &str = "out/report.json";
/// The output of the recipe, compressed with Zstandard. It is there if the recipe ran.
pub const LOG: &str = "out/build.log.zst";

/// One build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Action {
    /// The spec.
    pub spec: PackageName,
    /// The text of its `package.toml`.
    pub text: String,
    /// What runs.
    pub commands: Commands,
    /// The SDK's layers, lowest first, by the digests of their files.
    pub layers: Vec<Digest>,
    /// The packages over them.
    pub packages: Vec<Laid>,
    /// Its sources: names in the sandbox, and files.
    pub sources: BTreeMap<String, String>,
}

/// A package that a build starts from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Laid {
    /// Its name.
    pub name: PackageName,
    /// Its file.
    pub file: String,
    /// The file's digest.
    pub object: Digest,
    /// What it provides.
    pub provides: Vec<String>,
}

/// What became of a build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Report {
    /// There are packages.
    Built {
        /// The packages, whose files are in [`OUT`].
        packages: Vec<BuiltPackage>,
        /// Wall time, in milliseconds.
        elapsed_ms: u64,
        /// Processor time, in milliseconds.
        cpu_ms: u64,
        /// Largest memory use seen, in bytes.
        peak_memory_bytes: u64,
    },
    /// A phase of the recipe failed.
    Failed {
        /// The phase.
        phase: String,
        /// How its process ended.
        end: String,
    },
    /// The recipe succeeded, but what it installed cannot be packaged.
    Unpackaged {
        /// Why, with causes.
        reason: String,
        /// What to do.
        hint: Option<String>,
    },
}

/// How the worker ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// There is a report with packages.
    Built,
    /// There is a report about a failure of the recipe.
    Failed,
    /// This machine cannot run builds; standard error says why.
    Unable,
    /// A layer is neither among the files nor unpacked here.
    NoLayer,
}

impl Exit {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Built => 0,
            Self::Failed => 1,
            Self::Unable => 4,
            Self::NoLayer => 5,
        }
    }

    /// The end with this exit code; none if the worker does not end so by itself.
    pub fn of_code(code: i32) -> Option<Self> {
        [Self::Built, Self::Failed, Self::Unable, Self::NoLayer].into_iter().find(|exit| i32::from(exit.code()) == code)
    }
}

/// The name of the file of a layer.
pub fn layer_file(blob: &Digest) -> String {
    format!("layer-{blob}.tar.zst")
}

/// The name of the file of a source.
pub fn source_file(source: &Digest) -> String {
    format!("source-{source}")
}

/// The path of a package's file after the build.
pub fn output(file_name: &str) -> String {
    format!("{OUT}/{file_name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exits_have_codes() {
        for exit in [Exit::Built, Exit::Failed, Exit::Unable, Exit::NoLayer] {
            assert_eq!(Exit::of_code(exit.code().into()), Some(exit));
        }
        assert_eq!([2, 137, -1].map(Exit::of_code), [None; 3]);
    }
}
