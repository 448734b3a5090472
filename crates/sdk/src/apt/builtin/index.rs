//! The signed package index of suites, read without programs of the host.

use std::collections::BTreeSet;
use std::path::Path;

use super::catalogue::{Catalogue, Package};
use super::fetcher::{Access, IndexKind};
use super::solve::solve;
use crate::apt::{AptError, Mirror, Record};
use runtime::cancel::Cancel;
use runtime::store::Store;

/// The indexes of several suites, in order of preference.
pub struct BuiltinIndex {
    indexes: Vec<String>,
}

impl BuiltinIndex {
    /// Fetches the indexes of `suites` from the first mirror that returns them signed by the keyring.
    ///
    /// # Errors
    /// When no mirror does, the keyring cannot be used, or the user asked to stop.
    pub fn fetch(store: &Store, keyring: &Path, mirrors: &[Mirror], suites: &[&str], cancel: &Cancel) -> Result<Self, AptError> {
        let access = Access { store, keyring, mirrors, cancel };
        let found = access.first(|fetcher| suites.iter().map(|suite| fetcher.suite(suite, &[IndexKind::Packages])).collect())?;
        let found: Vec<Vec<String>> = found.map_err(|refusals| AptError::Index { suite: suites.join(" "), reasons: refusals.reasons })?;
        Ok(Self { indexes: found.into_iter().flatten().collect() })
    }

    /// Like [`crate::apt::Index::resolve`].
    ///
    /// # Errors
    /// When there is no such set of packages.
    pub fn resolve(&self, installed: &[Record], wanted: &[String]) -> Result<Vec<Record>, AptError> {
        let installed: Vec<Package<'_>> = installed.iter().map(Package::of).collect();
        solve(&self.catalogue(), &installed, wanted)?.into_iter().map(record).collect()
    }

    /// Like [`crate::apt::Index::records`].
    ///
    /// # Errors
    /// When one of the packages is not in the index.
    pub fn records(&self, names: &BTreeSet<String>) -> Result<Vec<Record>, AptError> {
        let catalogue = self.catalogue();
        let find = |name: &String| catalogue.get(name).ok_or_else(|| AptError::UnknownPackage { name: name.clone() }).and_then(record);
        names.iter().map(find).collect()
    }

    fn catalogue(&self) -> Catalogue<'_> {
        Catalogue::new(&self.indexes.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

/// The texts of a suite's indexes, in the order of `kinds`, from the first mirror that returns them signed by the keyring. `None` if all
/// mirrors answer that they do not have the suite.
///
/// # Errors
/// When no mirror returns them for another reason, the keyring cannot be used, or the user asked to stop.
pub fn suite_indexes(access: &Access<'_>, suite: &str, kinds: &[IndexKind]) -> Result<Option<Vec<String>>, AptError> {
    match access.first(|fetcher| fetcher.suite(suite, kinds))? {
        Ok(texts) => Ok(Some(texts)),
        Err(refusals) if refusals.is_absence => Ok(None),
        Err(refusals) => Err(AptError::Index { suite: suite.to_owned(), reasons: refusals.reasons }),
    }
}

fn record(package: Package<'_>) -> Result<Record, AptError> {
    Record::parse(package.stanza).ok_or_else(|| AptError::UnknownPackage { name: package.name.to_owned() })
}
