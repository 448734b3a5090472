//! What the packages in a sandbox provide.

use std::collections::{BTreeMap, BTreeSet};

use base::name::PackageName;

/// Capabilities of the packages laid into a sandbox, and, for hints, of packages that could have been.
#[derive(Debug, Default, Clone)]
pub struct Available {
    capabilities: BTreeSet<String>,
    givers: BTreeMap<String, PackageName>,
}

impl Available {
    /// Takes what packages provide, each in the form of [`super::Built::provides`]: versions do not matter here.
    pub fn new(provides: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self { capabilities: provides.into_iter().map(|text| name_of(text.as_ref()).to_owned()).collect(), givers: BTreeMap::new() }
    }

    /// Adds what a package provides that is not in the sandbox, and the package to name in `requires.build` for it.
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
