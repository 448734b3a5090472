//! The signed package index of the Debian archive, read by either client.

use std::collections::BTreeSet;

use super::builtin::BuiltinIndex;
use super::host_index::HostIndex;
use super::{AptError, Archive, Client, Record, Settings};
use runtime::cancel::Cancel;
use runtime::store::Store;

/// The signed package index of one suite or several.
pub enum Index<'a> {
    /// Read by the host's apt.
    Host(HostIndex<'a>),
    /// Read by this program.
    Builtin(BuiltinIndex),
}

impl<'a> Index<'a> {
    /// Fetches the index of `suites` from the first mirror that returns one signed by the project's keyring. Packages of the last suite
    /// are preferred.
    ///
    /// # Errors
    /// When no mirror returns one, or the client cannot be run.
    pub fn fetch(store: &Store, settings: &Settings, archive: &Archive, suites: &[&str], cancel: &'a Cancel) -> Result<Self, AptError> {
        match settings.client {
            Client::Apt => HostIndex::fetch(store, settings, archive, suites, cancel).map(Self::Host),
            Client::Builtin => BuiltinIndex::fetch(store, &settings.keyring, &archive.main, suites, cancel).map(Self::Builtin),
        }
    }

    /// The packages that must be added to `installed` for all of `wanted` and their dependencies, sorted by name. Recommendations are
    /// ignored.
    ///
    /// # Errors
    /// When there is no such set.
    pub fn resolve(&self, installed: &[Record], wanted: &[String]) -> Result<Vec<Record>, AptError> {
        match self {
            Self::Host(index) => index.resolve(installed, wanted),
            Self::Builtin(index) => index.resolve(installed, wanted),
        }
    }

    /// The records of packages in the index, sorted by name.
    ///
    /// # Errors
    /// When one of them is not in the index.
    pub fn records(&self, names: &BTreeSet<String>) -> Result<Vec<Record>, AptError> {
        match self {
            Self::Host(index) => index.records(names),
            Self::Builtin(index) => index.records(names),
        }
    }
}
