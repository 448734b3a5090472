//! Resolves the requests of `sdk.toml` to exact packages, with the archive's index.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::{Description, Layer, LayerName, Lock, LockedLayer, LockedPackage, SdkError};
use crate::apt::{Archive, Index, Record, Settings};
use runtime::cancel::Cancel;
use runtime::store::Store;

/// Resolves all layers from one new index per suite, so that they are consistent.
///
/// # Errors
/// When the index cannot be fetched, or has no set of packages for a layer.
pub fn resolve(store: &Store, settings: &Settings, description: &Description, cancel: &Cancel) -> Result<Lock, SdkError> {
    let archive = Archive::find(settings)?;
    let mut indexes: BTreeMap<Option<&str>, Index<'_>> = BTreeMap::new();
    let mut resolved: BTreeMap<LayerName, Vec<Record>> = BTreeMap::new();
    let all: Vec<LayerName> = description.layers.keys().cloned().collect();
    let mut lock = Lock::default();
    for name in description.closure(&all) {
        let (Some(layer), Some(request)) = (description.layers.get(&name), description.request(&name)) else { continue };
        let below = records_below(description, layer, &resolved);
        let index = match indexes.entry(layer.suite.as_deref()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let suites: Vec<&str> = std::iter::once(&*description.suite).chain(layer.suite.as_deref()).collect();
                new.insert(Index::fetch(store, settings, &archive, &suites, cancel)?)
            }
        };
        let records = resolve_layer(index, layer, &below)?;
        let has_left = |record: &Record| !layer.exclude.contains(&record.name);
        let packages: Vec<LockedPackage> = records.iter().filter(|record| has_left(record)).cloned().map(Into::into).collect();
        lock.layers.insert(name.clone(), LockedLayer { request, packages });
        resolved.insert(name, records);
    }
    Ok(lock)
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
