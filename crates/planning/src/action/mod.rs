//! Actions: the inputs of one build, their key, and its result.

mod chain;
mod inputs;
mod key;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use base::digest::Digest;
use base::name::PackageName;

pub use chain::{Link, chain};
pub(crate) use inputs::capability;
pub use inputs::{PackagePool, input_packages};
pub use key::{Fields, KeyInputs, key_fields, key_of};

/// The result of building a spec, recorded under the action's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildResult {
    /// The spec.
    pub spec: PackageName,
    /// The action's key.
    pub key: Digest,
    /// The inputs of the key, by name, so that `why` can report what changed.
    pub fields: Fields,
    /// The packages, sorted by name.
    pub packages: Vec<BuiltPackage>,
    /// Wall time, in milliseconds.
    pub elapsed_ms: u64,
    /// Processor time, in milliseconds.
    pub cpu_ms: u64,
    /// Largest memory use seen, in bytes.
    pub peak_memory_bytes: u64,
    /// Where it was built for this builder.
    #[serde(default, skip_serializing_if = "By::is_here")]
    pub by: By,
    /// Where it was taken from, if another builder made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<SharedFrom>,
}

/// The machine that built a result for this builder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// This one.
    #[default]
    Here,
    /// A worker of a server for remote execution.
    Remote {
        /// The server's address, without a password.
        server: String,
        /// The worker's name, as the server gives it.
        worker: String,
    },
}

impl By {
    /// Whether it is this machine.
    pub fn is_here(&self) -> bool {
        *self == Self::Here
    }
}

/// The origin of a result that others built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedFrom {
    /// The cache's name.
    pub cache: String,
    /// The names of the builders that signed it.
    pub builders: Vec<String>,
    /// What they signed: an object of the store.
    pub envelope: Digest,
}

/// One binary package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuiltPackage {
    /// Its name.
    pub name: PackageName,
    /// `name-version-release.arch.rpm`.
    pub file_name: String,
    /// The output digest: SHA-256 of the unsigned package, which contains neither signature nor build time.
    pub object: Digest,
    /// All capabilities it provides, as `name` or `name = version`.
    pub provides: Vec<String>,
    /// All capabilities it requires.
    pub requires: Vec<String>,
    /// Number of files.
    pub files: u64,
    /// Size when installed, in bytes.
    pub installed_bytes: u64,
}

impl BuildResult {
    /// Reads a recorded result. Planning reads one for every spec, so this is compiled in the optimised planning crate.
    ///
    /// # Errors
    /// When it is not a result.
    pub fn from_json(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}

/// What trusted builders signed about a build whose packages are not in the store: enough for the keys of what builds on it. Where the
/// packages are in the store as well, there is a result instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// The result.
    pub known: BuildResult,
}

impl Known {
    /// Reads what was recorded.
    ///
    /// # Errors
    /// When it is something else.
    pub fn from_json(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}

/// The name under which what is known of the build with a key is among the results.
pub fn known_key(key: &Digest) -> Digest {
    Digest::of_bytes(format!("known of {key}"))
}

/// What is known from a spec's last build, by the spec's name: for estimates, scheduling and `why`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// What went into the key.
    pub fields: Fields,
    /// Wall time, in milliseconds.
    pub elapsed_ms: u64,
    /// Processor time, in milliseconds; 0 if an earlier builder did not record it.
    #[serde(default)]
    pub cpu_ms: u64,
    /// Largest memory use seen, in bytes.
    pub peak_memory_bytes: u64,
}

impl Record {
    /// The record of a result.
    pub fn of(result: &BuildResult) -> Self {
        let BuildResult { fields, elapsed_ms, cpu_ms, peak_memory_bytes, .. } = result;
        Self { fields: fields.clone(), elapsed_ms: *elapsed_ms, cpu_ms: *cpu_ms, peak_memory_bytes: *peak_memory_bytes }
    }
}

/// The name under which a spec's record is among the results.
pub fn record_key(spec: &PackageName) -> Digest {
    Digest::of_bytes(format!("record of {spec}"))
}

/// Results by spec. They are shared, as each build of thousands is given those that it builds on.
pub type Results = BTreeMap<PackageName, Arc<BuildResult>>;
