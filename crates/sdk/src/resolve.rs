//! Resolves the requests of `sdk.toml` to exact packages, with the archive's index.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::{Description, Layer, LayerName, Lock, LockedLayer, LockedPackage, SdkError};
use crate::apt::{Archive, Index, Record, Settings};
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
    let archive = Archive::find(settings)?;
    let mut indexes: BTreeMap<Option<&str>, Index<'_>> = BTreeMap::new();
    let mut resolved: BTreeMap<LayerName, Vec<Record>> = BTreeMap::new();
    let mut lock = Lock::default();
    for name in description.closure(layers) {
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

/// `lock` with only these layers, and those that stand on them, resolved again.
///
/// # Errors
/// As for [`resolve`]; or when a layer below them, which stays as it is locked, would be another one now: a layer must fit those below it.
pub fn resolve_again(
    store: &Store,
    settings: &Settings,
    description: &Description,
    lock: &Lock,
    layers: &[LayerName],
    cancel: &Cancel,
) -> Result<Lock, SdkError> {
    let changing = description.with_those_above(layers);
    let newer = resolve(store, settings, description, &changing, cancel)?;
    let stays = |name: &LayerName| !changing.contains(name);
    if let Some((name, _)) = newer.layers.iter().find(|(name, layer)| stays(name) && lock.layers.get(*name) != Some(*layer)) {
        let only = |lock: &Lock| Lock {
            layers: lock.layers.get_key_value(name).map(|(name, layer)| (name.clone(), layer.clone())).into_iter().collect(),
        };
        return Err(SdkError::BelowMoved { name: name.clone(), changes: only(lock).changes(&only(&newer)) });
    }
    let mut merged = lock.clone();
    merged.layers.extend(newer.layers.into_iter().filter(|(name, _)| !stays(name)));
    Ok(merged)
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
