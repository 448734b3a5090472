//! What is at hand of an image, and what is not.

use std::collections::{BTreeMap, BTreeSet};

use super::{Artifact, RootRecord, key};
use crate::Workshop;
use base::digest::Digest;
use image::description::{Format, Image};
use planning::action::Results;
use signing::Keys;

/// What is at hand of an image.
pub(super) struct Known {
    /// Under which key its root is recorded.
    pub root_key: Digest,
    /// Its root, if that was composed before.
    pub root: Option<RootRecord>,
    /// Forms that are there.
    pub artifacts: BTreeMap<Format, Artifact>,
    /// The keys of those that are not.
    pub missing: BTreeMap<Format, Digest>,
}

impl Known {
    /// Looks for the root and these forms of an image. What cannot be read, or names what is gone, is as good as missing.
    pub fn find(workshop: &Workshop<'_>, image: &Image, formats: &BTreeSet<Format>, keys: &Keys, results: &Results) -> Self {
        let store = workshop.store;
        let root_key = key::root_key(image, keys, results);
        let root: Option<RootRecord> = store.result(&root_key).ok().flatten();
        let root = root.filter(|root| store.object(&root.contents).is_some());
        let mut known = Self { root_key, root, artifacts: BTreeMap::new(), missing: BTreeMap::new() };
        for format in formats {
            let key = key::format_key(workshop, image, &root_key, *format);
            let artifact: Option<Artifact> = store.result(&key).ok().flatten();
            match artifact.filter(|artifact| store.verified(&artifact.object).is_ok()) {
                Some(artifact) => drop(known.artifacts.insert(*format, artifact)),
                None => drop(known.missing.insert(*format, key)),
            }
        }
        known
    }
}

/// All forms that were ever written of this root, and are still there.
pub(super) fn recorded(workshop: &Workshop<'_>, image: &Image, root_key: &Digest) -> BTreeMap<Format, Artifact> {
    let find = |format| {
        let artifact: Artifact = workshop.store.result(&key::format_key(workshop, image, root_key, format)).ok().flatten()?;
        workshop.store.object(&artifact.object).map(|_| (format, artifact))
    };
    Format::all().filter_map(find).collect()
}
