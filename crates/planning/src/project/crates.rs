//! Cargo's lock file, reduced to what a build needs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::ProjectError;
use crate::spec::{Origin, Source, SourceUsage};
use base::digest::Digest;

/// A lock file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Locked {
    /// The format's version, which cargo checks.
    version: u32,
    /// All crates, including those of the workspace, in cargo's order.
    #[serde(rename = "package", default)]
    pub crates: Vec<LockedCrate>,
}

/// One crate of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LockedCrate {
    name: String,
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum: Option<Digest>,
    /// `name`, or `name version` if there are several versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    dependencies: Vec<String>,
}

impl LockedCrate {
    /// The source of the crate; `None` for a member of the workspace.
    pub fn source(&self) -> Option<Source> {
        let origin = Origin::Crate { file: format!("{}-{}.crate", self.name, self.version), sha256: self.checksum? };
        Some(Source { origins: vec![origin], name: None, path: None, usage: SourceUsage::Keep })
    }
}

impl Locked {
    /// Reads a lock file.
    ///
    /// # Errors
    /// When it cannot be read or is not a lock file.
    pub fn read(path: &Path) -> Result<Self, ProjectError> {
        let text = fs::read_to_string(path).map_err(|source| ProjectError::Io { path: path.to_owned(), source })?;
        toml::from_str(&text).map_err(|error| ProjectError::Cargo { path: path.to_owned(), reason: error.message().to_owned() })
    }

    /// The lock file with only `members` and what they need. Each member is given by its name and the names of the crates that it needs.
    pub fn reduced(&self, members: &BTreeMap<&str, BTreeSet<&str>>) -> Self {
        let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let mut crates = self.crates.clone();
        for one in &mut crates {
            if let Some(needed) = members.get(&*one.name).filter(|_| one.source.is_none()) {
                one.dependencies.retain(|wish| wish.split(' ').next().is_some_and(|name| needed.contains(name)));
            }
        }
        for (at, one) in crates.iter().enumerate() {
            by_name.entry(&one.name).or_default().push(at);
        }
        let mut is_needed = vec![false; crates.len()];
        let mut open: Vec<&str> = members.keys().copied().collect();
        while let Some(wish) = open.pop() {
            let mut words = wish.split(' ');
            let (name, version) = (words.next().unwrap_or_default(), words.next());
            for at in by_name.get(name).into_iter().flatten() {
                let one = &crates[*at];
                if !is_needed[*at] && version.is_none_or(|version| version == one.version) {
                    is_needed[*at] = true;
                    open.extend(one.dependencies.iter().map(String::as_str));
                }
            }
        }
        let needed = crates.iter().zip(is_needed).filter(|(_, is_needed)| *is_needed);
        Self { version: self.version, crates: needed.map(|(one, _)| one.clone()).collect() }
    }
}

impl fmt::Display for Locked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&toml::to_string(self).map_err(|_| fmt::Error)?)
    }
}
