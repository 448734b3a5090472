//! Resolves the requests of `sdk.toml` to exact packages, with the archive's index.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::{Description, Layer, LayerName, Lock, LockedLayer, LockedPackage, SdkError};
use crate::apt::{AptError, Archive, Index, Record, Settings};
use runtime::cancel::Cancel;
use runtime::store::Store;

/// Resolves these layers, and those that they stand on, from one new index per suite, so that they are consistent.
///
/// # Errors
/// When the index cannot be fetched, or has no set of packages for a layer.
pub fn resolve(
    store: &Store,
    settings: &Settings,
    description: &Description,
    layers: &[LayerName],
    cancel: &Cancel,
) -> Result<Lock, SdkError> {
    Resolution { store, settings, description, kept: &Lock::default(), cancel }.run(layers)
}

/// `lock` with only these layers, and those that stand on them, resolved again: for the packages of the layers below, as they are locked.
///
/// # Errors
/// As for [`resolve`]; or when a layer needs another version of a package in a layer below it, which stays as it is locked.
pub fn resolve_again(
    store: &Store,
    settings: &Settings,
    description: &Description,
    lock: &Lock,
    layers: &[LayerName],
    cancel: &Cancel,
) -> Result<Lock, SdkError> {
    let changing = description.with_those_above(layers);
    let stays = |name: &LayerName| !changing.contains(name) && lock.fits(description, name);
    let kept =
        Lock { layers: lock.layers.iter().filter(|(name, _)| stays(name)).map(|(name, layer)| (name.clone(), layer.clone())).collect() };
    let newer = Resolution { store, settings, description, kept: &kept, cancel }.run(&changing)?;
    let mut merged = lock.clone();
    merged.layers.extend(newer.layers);
    Ok(merged)
}

/// One run of resolving.
struct Resolution<'a> {
    store: &'a Store,
    settings: &'a Settings,
    description: &'a Description,
    /// Layers that stay as they are locked.
    kept: &'a Lock,
    cancel: &'a Cancel,
}

impl Resolution<'_> {
    /// The layers that are resolved, which are these and those below them that are not kept.
    fn run(&self, layers: &[LayerName]) -> Result<Lock, SdkError> {
        let archive = Archive::find(self.settings)?;
        let mut indexes: BTreeMap<Option<&str>, Index<'_>> = BTreeMap::new();
        let mut resolved: BTreeMap<LayerName, Vec<Record>> = BTreeMap::new();
        let mut lock = Lock::default();
        for name in self.description.closure(layers) {
            let Some((layer, request)) = self.description.layers.get(&name).zip(self.description.request(&name)) else { continue };
            let index = match indexes.entry(layer.suite.as_deref()) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    let suites: Vec<&str> = std::iter::once(&*self.description.suite).chain(layer.suite.as_deref()).collect();
                    new.insert(Index::fetch(self.store, self.settings, &archive, &suites, self.cancel)?)
                }
            };
            if let Some(kept) = self.kept.layers.get(&name) {
                resolved.insert(name, kept_records(index, layer, kept)?);
                continue;
            }
            let records = resolve_layer(index, layer, &records_below(self.description, layer, &resolved))?;
            self.check_below(layer, &records)?;
            let has_left = |record: &Record| !layer.exclude.contains(&record.name);
            let packages: Vec<LockedPackage> = records.iter().filter(|record| has_left(record)).cloned().map(Into::into).collect();
            lock.layers.insert(name.clone(), LockedLayer { request, packages });
            resolved.insert(name, records);
        }
        Ok(lock)
    }

    /// Checks that none of a layer's packages replaces one of a layer below it that is kept.
    fn check_below(&self, layer: &Layer, records: &[Record]) -> Result<(), SdkError> {
        for name in self.description.closure(&layer.needs) {
            let Some(kept) = self.kept.layers.get(&name) else { continue };
            let changed = |package: &LockedPackage| {
                let record = records.iter().find(|record| record.name == package.name)?;
                Some(format!("{} {} → {}", package.name, package.version, record.version))
            };
            let changes: Vec<String> = kept.packages.iter().filter_map(changed).collect();
            if !changes.is_empty() {
                return Err(SdkError::BelowMoved { name, changes });
            }
        }
        Ok(())
    }
}

/// The packages of a layer that is kept, as installed ones: in the versions that are locked, whatever the index has now. What they depend on
/// is there; what they provide is taken from the index.
fn kept_records(index: &Index<'_>, layer: &Layer, kept: &LockedLayer) -> Result<Vec<Record>, SdkError> {
    let mut names: BTreeSet<String> =
        kept.packages.iter().map(|package| package.name.clone()).chain(layer.exclude.iter().cloned()).collect();
    let listed = loop {
        match index.records(&names) {
            // The archive has it no more.
            Err(AptError::UnknownPackage { name }) if names.remove(&name) => {}
            found => break found?,
        }
    };
    let listed = |name: &str| listed.iter().find(|record| record.name == name);
    let locked = kept.packages.iter().map(|package| installed(package, listed(&package.name)));
    let excluded = layer.exclude.iter().filter_map(|name| listed(name)).map(|record| installed(&record.clone().into(), Some(record)));
    Ok(locked.chain(excluded).collect())
}

/// A package as dpkg's status has it. Of one that the index has in another version, without what it needs: that may be listed no more.
fn installed(package: &LockedPackage, listed: Option<&Record>) -> Record {
    let LockedPackage { name, version, path, size_bytes, sha256 } = package;
    // For apt, equal versions with other dependencies are two, of which it takes the one of the index.
    if let Some(same) = listed.filter(|record| record.version == *version && record.sha256 == *sha256) {
        return same.clone();
    }
    let arch = path.trim_end_matches(".deb").rsplit('_').next().unwrap_or("amd64");
    let mut stanza = format!("Package: {name}\nVersion: {version}\nArchitecture: {arch}\nMaintainer: -\nDescription: -");
    let fields = listed.iter().flat_map(|record| record.stanza.lines());
    for field in fields.filter(|line| ["Provides:", "Multi-Arch:"].iter().any(|field| line.starts_with(field))) {
        stanza.push('\n');
        stanza.push_str(field);
    }
    Record { name: name.clone(), version: version.clone(), path: path.clone(), size_bytes: *size_bytes, sha256: *sha256, stanza }
}

/// All packages of the layers below `layer`, each once: layers may share a package, but dpkg's status must not repeat it.
fn records_below(description: &Description, layer: &Layer, resolved: &BTreeMap<LayerName, Vec<Record>>) -> Vec<Record> {
    let below = description.closure(&layer.needs);
    let records: BTreeMap<&str, &Record> =
        below.iter().filter_map(|name| resolved.get(name)).flatten().map(|record| (record.name.as_str(), record)).collect();
    records.into_values().cloned().collect()
}

fn resolve_layer(index: &Index<'_>, layer: &Layer, below: &[Record]) -> Result<Vec<Record>, SdkError> {
    let mut records = if layer.packages.is_empty() { Vec::new() } else { index.resolve(below, &layer.packages)? };
    let is_there = |name: &str| records.iter().chain(below).any(|record| record.name == name);
    let alone: BTreeSet<String> = layer.alone.iter().filter(|name| !is_there(name)).cloned().collect();
    records.extend(index.records(&alone)?);
    records.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::digest::Digest;

    #[test]
    fn what_a_kept_package_needs_is_known_as_long_as_the_index_has_it() {
        let record = |version: &str| Record {
            name: "a".into(),
            version: version.into(),
            path: format!("pool/main/a_{version}_amd64.deb"),
            size_bytes: 1,
            sha256: Digest::of_bytes(version),
            stanza: format!("Package: a\nVersion: {version}\nDepends: b\nProvides: c"),
        };
        let kept = LockedPackage::from(record("1"));
        assert_eq!(installed(&kept, Some(&record("1"))).stanza, record("1").stanza);
        let (newer, gone) = (installed(&kept, Some(&record("2"))), installed(&kept, None));
        assert!(newer.stanza.contains("Version: 1\n") && newer.stanza.contains("Provides: c") && !newer.stanza.contains("Depends"));
        assert!(!gone.stanza.contains("Provides"));
    }
}
