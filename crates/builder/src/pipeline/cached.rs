//! What the store has of an image, and what is missing.

use std::collections::{BTreeMap, BTreeSet};

use super::{Artifact, RootRecord, key};
use crate::Builder;
use base::digest::Digest;
use image::description::{Format, Image};
use planning::action::Results;
use signing::Keys;

/// What the store has of an image.
pub(super) struct Cached {
    /// The key under which its root is recorded.
    pub root_key: Digest,
    /// Its root, if that was composed before.
    pub root: Option<RootRecord>,
    /// Formats that are there.
    pub artifacts: BTreeMap<Format, Artifact>,
    /// The keys of those that are missing.
    pub missing: BTreeMap<Format, Digest>,
}

impl Cached {
    /// Looks for the root and these formats of an image. What cannot be read, or refers to missing objects, counts as missing.
    pub fn find(builder: &Builder<'_>, image: &Image, formats: &BTreeSet<Format>, keys: &Keys, results: &Results) -> Self {
        let store = builder.store;
        let root_key = key::root_key(image, keys, results);
        let root: Option<RootRecord> = store.result(&root_key).ok().flatten();
        let root = root.filter(|root| store.object(&root.contents).is_some());
        let mut cached = Self { root_key, root, artifacts: BTreeMap::new(), missing: BTreeMap::new() };
        for format in formats {
            let key = key::format_key(builder, image, &root_key, *format);
            let artifact: Option<Artifact> = store.result(&key).ok().flatten();
            match artifact.filter(|artifact| store.verified(&artifact.object).is_ok()) {
                Some(artifact) => drop(cached.artifacts.insert(*format, artifact)),
                None => drop(cached.missing.insert(*format, key)),
            }
        }
        cached
    }
}

/// All formats ever written of this root that are still there.
pub(super) fn recorded(builder: &Builder<'_>, image: &Image, root_key: &Digest) -> BTreeMap<Format, Artifact> {
    let find = |format| {
        let artifact: Artifact = builder.store.result(&key::format_key(builder, image, root_key, format)).ok().flatten()?;
        builder.store.object(&artifact.object).map(|_| (format, artifact))
    };
    Format::all().filter_map(find).collect()
}
