//! `specs/sdk.lock`: the exact packages of each layer.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::{Description, LayerName};
use crate::apt::Record;
use base::diagnostic::Problems;
use base::digest::Digest;
use base::document::{Document, Table};

/// The packages of all layers that were resolved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// Layers by name.
    pub layers: BTreeMap<LayerName, LockedLayer>,
}

/// The packages of one layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LockedLayer {
    /// What it was resolved for: [`Description::request`].
    pub request: Digest,
    /// Its packages by name, without those of the layers below.
    pub packages: Vec<LockedPackage>,
}

/// One Debian binary package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LockedPackage {
    /// Its name.
    pub name: String,
    /// Its version, including the epoch.
    pub version: String,
    /// Path relative to an archive's root.
    pub path: String,
    /// Size of the `.deb`.
    pub size_bytes: u64,
    /// Digest of the `.deb`.
    pub sha256: Digest,
}

/// Increment when unpacking or finishing a layer makes another tree from the same packages.
const TREE_VERSION: u32 = 1;

/// The largest accepted `.deb` file.
const LARGEST_DEB_BYTES: u64 = 1 << 32;

impl Lock {
    /// Parses the text of `sdk.lock`; `path` is shown in problems.
    ///
    /// # Errors
    /// All problems of the file.
    pub fn parse(path: &str, text: &str) -> Result<Self, Problems> {
        let read = |top: &Table<'_>| {
            let mut layers = BTreeMap::new();
            let Some(table) = top.table("layer") else { return Self::default() };
            for entry in table.entries() {
                let (Some(name), Some(body)) = (table.parse::<LayerName>(entry.key.clone()), entry.table()) else { continue };
                let packages = body.tables("package").iter().filter_map(read_package).collect();
                if let Some(request) = body.required_parsed("request") {
                    layers.insert(name.value, LockedLayer { request: request.value, packages });
                }
                body.finish();
            }
            Self { layers }
        };
        Document::new(path, text).read(read).map_err(Problems::new)
    }

    /// The text of `sdk.lock`: one line per package, so that a change reads well in a review.
    pub fn to_text(&self) -> String {
        let mut text =
            String::from("# The exact packages of each SDK layer, written by `cargo xtask sdk update`. Commit it; do not edit it.\n");
        for (name, layer) in &self.layers {
            let _ = write!(text, "\n[layer.{name}]\nrequest = \"{}\"\npackage = [\n", layer.request);
            for LockedPackage { name, version, path, size_bytes, sha256 } in &layer.packages {
                let _ = writeln!(
                    text,
                    "    {{ name = \"{name}\", version = \"{version}\", path = \"{path}\", size-bytes = {size_bytes}, sha256 = \"{sha256}\" }},"
                );
            }
            text.push_str("]\n");
        }
        text
    }

    /// The digest that identifies a layer's tree, also in the keys of builds; `None` for a layer that is not locked.
    pub fn layer_digest(&self, name: &LayerName) -> Option<Digest> {
        self.layers.get(name).map(|layer| Digest::of_json(&(TREE_VERSION, layer)))
    }

    /// Whether the layer and all layers below it were resolved for the current `description`.
    pub fn holds(&self, description: &Description, name: &LayerName) -> bool {
        description.layers.contains_key(name)
            && description.closure(std::slice::from_ref(name)).iter().all(|name| self.fits(description, name))
    }

    /// Whether the layer itself was resolved for the current `description`.
    pub fn fits(&self, description: &Description, name: &LayerName) -> bool {
        self.layers.get(name).map(|layer| layer.request) == description.request(name)
    }

    /// What differs in `newer`, package by package (`bash 5.2.37-2 → 5.2.37-3`), sorted.
    pub fn changes(&self, newer: &Self) -> Vec<String> {
        let versions = |lock: &Self| -> BTreeMap<String, String> {
            let packages = lock.layers.values().flat_map(|layer| &layer.packages);
            packages.map(|package| (package.name.clone(), package.version.clone())).collect()
        };
        let (old, new) = (versions(self), versions(newer));
        let mut changes: Vec<String> = new
            .iter()
            .filter_map(|(name, version)| match old.get(name) {
                Some(before) if before == version => None,
                Some(before) => Some(format!("{name} {before} → {version}")),
                None => Some(format!("{name} {version} (new)")),
            })
            .collect();
        changes.extend(old.keys().filter(|name| !new.contains_key(*name)).map(|name| format!("{name} (gone)")));
        changes.sort();
        changes
    }
}

impl From<Record> for LockedPackage {
    fn from(record: Record) -> Self {
        let Record { name, version, path, size_bytes, sha256, .. } = record;
        Self { name, version, path, size_bytes, sha256 }
    }
}

fn read_package(table: &Table<'_>) -> Option<LockedPackage> {
    let name = table.required_string("name");
    let version = table.required_string("version");
    let path = table.required_string("path");
    let size_bytes = table.required_integer("size-bytes", 1..=LARGEST_DEB_BYTES);
    let sha256 = table.required_parsed("sha256");
    table.finish();
    let path = path?;
    // The path becomes part of an address.
    if !path.value.starts_with("pool/") || path.value.split('/').any(|part| part == "..") || path.value.contains(char::is_whitespace) {
        table.problem(path.span, format!("`{}` is not a path in a Debian archive's pool", path.value));
        return None;
    }
    Some(LockedPackage {
        name: name?.value,
        version: version?.value,
        path: path.value,
        size_bytes: size_bytes?.value,
        sha256: sha256?.value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(version: &str) -> Lock {
        let package = LockedPackage {
            name: "bash".into(),
            version: version.into(),
            path: format!("pool/main/b/bash/bash_{version}_amd64.deb"),
            size_bytes: 1_500_792,
            sha256: Digest::of_bytes(version),
        };
        let layer = LockedLayer { request: Digest::of_bytes("request"), packages: vec![package] };
        Lock { layers: [("base".parse().unwrap(), layer)].into() }
    }

    #[test]
    fn what_is_written_is_read() {
        let lock = lock("5.2.37-2+b10");
        assert_eq!(Lock::parse("sdk.lock", &lock.to_text()).unwrap(), lock);
        assert_eq!(Lock::parse("sdk.lock", "").unwrap(), Lock::default());
    }

    #[test]
    fn damage_is_seen() {
        let text = lock("1").to_text();
        for (from, to) in
            [("pool/main/b", "pool/../b"), ("size-bytes = 1500792", "size-bytes = 0"), ("sha256 = \"", "sha256 = \"x"), ("}", "")]
        {
            assert!(Lock::parse("sdk.lock", &text.replace(from, to)).is_err(), "{to}");
        }
    }

    #[test]
    fn digests_and_changes_follow_the_packages() {
        let (old, new) = (lock("1"), lock("2"));
        let base = "base".parse().unwrap();
        assert_ne!(old.layer_digest(&base), new.layer_digest(&base));
        assert_eq!(old.changes(&new), ["bash 1 → 2"]);
        assert_eq!(Lock::default().changes(&new), ["bash 2 (new)"]);
        assert_eq!(new.changes(&Lock::default()), ["bash (gone)"]);
        assert_eq!(new.changes(&new), Vec::<String>::new());
    }
}
