//! The capabilities that the packages in a sandbox provide.

use std::collections::{BTreeMap, BTreeSet};

use base::name::PackageName;

/// Capabilities of the packages in a sandbox and, for hints, of packages that could be added.
#[derive(Debug, Default, Clone)]
pub struct Available {
    capabilities: BTreeSet<String>,
    givers: BTreeMap<String, PackageName>,
}

impl Available {
    /// The capabilities that packages provide, in the form of [`super::Built::provides`]. Versions are ignored.
    pub fn new(provides: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self { capabilities: provides.into_iter().map(|text| name_of(text.as_ref()).to_owned()).collect(), givers: BTreeMap::new() }
    }

    /// Adds what `package`, which is not in the sandbox, provides; `requires.build` would name it.
    #[must_use]
    pub fn hint(mut self, package: &PackageName, provides: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        for text in provides {
            self.givers.entry(name_of(text.as_ref()).to_owned()).or_insert_with(|| package.clone());
        }
        self
    }

    /// Whether a package in the sandbox provides `capability`.
    pub fn gives(&self, capability: &str) -> bool {
        self.capabilities.contains(capability)
    }

    /// A package that is not in the sandbox and provides `capability`.
    pub fn giver(&self, capability: &str) -> Option<&PackageName> {
        self.givers.get(capability)
    }
}

/// The capability of `name >= version`.
fn name_of(text: &str) -> &str {
    text.split_once(' ').map_or(text, |(name, _)| name)
}
