//! The truth of an installed tree: what each path is, who owns it, its mode and capabilities.
//!
//! An ordinary user can neither give files away nor set capabilities, so the directory a tree is installed into contains only
//! names and contents; everything else stands here, and whoever writes the tree into an image takes it from here.

use std::collections::BTreeMap;
use std::ops::Bound;

use serde::{Deserialize, Serialize};

/// What a path is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Kind {
    /// A directory.
    Directory,
    /// A regular file, with its content under the same path in the directory.
    File {
        /// Its size in bytes.
        size: u64,
        /// SHA-256 of its content, in lowercase hexadecimal.
        sha256: String,
    },
    /// Another name of a regular file. Its owner, mode and capabilities are that file's.
    Hardlink {
        /// The path whose entry is [`Kind::File`].
        to: String,
    },
    /// A symbolic link.
    Symlink {
        /// Where it points, as written.
        target: String,
    },
}

/// One path of a tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What it is.
    #[serde(flatten)]
    pub kind: Kind,
    /// Permission bits, set-id and sticky bits included.
    pub mode: u16,
    /// Owner's name; the tree's own `/etc/passwd` gives the number.
    pub user: String,
    /// Group's name; the tree's own `/etc/group` gives the number.
    pub group: String,
    /// Time of last change, in seconds since 1970.
    pub mtime: u32,
    /// File capabilities as text (`cap_net_raw=ep`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caps: Option<String>,
    /// The package that brought it; none for what was made afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
}

impl Entry {
    /// A directory, `root:root`, mode 0755.
    pub fn directory(mtime: u32) -> Self {
        Self::root(Kind::Directory, 0o755, mtime)
    }

    /// Anything owned by `root:root`, brought by no package.
    pub fn root(kind: Kind, mode: u16, mtime: u32) -> Self {
        Self { kind, mode, user: "root".into(), group: "root".into(), mtime, caps: None, package: None }
    }

    /// The bytes its content takes: 0 for all but regular files.
    pub fn size_bytes(&self) -> u64 {
        match self.kind {
            Kind::File { size, .. } => size,
            _ => 0,
        }
    }
}

/// All paths of a tree below its root, absolute and normalised, parents before children.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Manifest(BTreeMap<String, Entry>);

impl Manifest {
    /// A tree with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// The entry of `path`.
    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.0.get(path)
    }

    /// The entry of `path`, to be changed.
    pub fn get_mut(&mut self, path: &str) -> Option<&mut Entry> {
        self.0.get_mut(path)
    }

    /// Sets the entry of `path`.
    pub fn insert(&mut self, path: impl Into<String>, entry: Entry) {
        self.0.insert(path.into(), entry);
    }

    /// All entries by path; a directory comes before what it contains.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.0.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    /// How many paths there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no path.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The paths below the directory `path`.
    pub fn below<'a>(&'a self, path: &str) -> impl Iterator<Item = &'a str> {
        let prefix = format!("{}/", path.trim_end_matches('/'));
        let from = (Bound::Included(prefix.clone()), Bound::Unbounded);
        self.0.range::<String, _>(from).map(|(path, _)| path.as_str()).take_while(move |path| path.starts_with(&prefix))
    }

    /// Takes `path` out, and all below it. Where a removed file has other names that stay, the first of them becomes the file.
    pub fn remove(&mut self, path: &str) -> Option<Entry> {
        let below: Vec<String> = self.below(path).map(str::to_owned).collect();
        for path in below.iter().rev() {
            self.remove_one(path);
        }
        self.remove_one(path)
    }

    fn remove_one(&mut self, path: &str) -> Option<Entry> {
        let entry = self.0.remove(path)?;
        if matches!(entry.kind, Kind::File { .. }) {
            let names = |entry: &Entry| matches!(&entry.kind, Kind::Hardlink { to } if to == path);
            let others: Vec<String> = self.0.iter().filter(|(_, entry)| names(entry)).map(|(path, _)| path.clone()).collect();
            if let Some((heir, rest)) = others.split_first() {
                self.0.insert(heir.clone(), entry.clone());
                for other in rest {
                    if let Some(other) = self.0.get_mut(other) {
                        other.kind = Kind::Hardlink { to: heir.clone() };
                    }
                }
            }
        }
        Some(entry)
    }

    /// The bytes all regular files take.
    pub fn size_bytes(&self) -> u64 {
        self.0.values().map(Entry::size_bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(size: u64) -> Entry {
        Entry::root(Kind::File { size, sha256: String::new() }, 0o644, 0)
    }

    #[test]
    fn removal_takes_what_is_below_and_promotes_other_names() {
        let mut manifest = Manifest::new();
        manifest.insert("/a", Entry::directory(0));
        manifest.insert("/a/x", file(7));
        manifest.insert("/a-b", Entry::root(Kind::Hardlink { to: "/a/x".into() }, 0o644, 0));
        manifest.insert("/c", Entry::root(Kind::Hardlink { to: "/a/x".into() }, 0o644, 0));
        assert_eq!(manifest.below("/a").collect::<Vec<_>>(), ["/a/x"]);
        manifest.remove("/a");
        assert_eq!(manifest.get("/a-b").unwrap().kind, file(7).kind);
        assert_eq!(manifest.get("/c").unwrap().kind, Kind::Hardlink { to: "/a-b".into() });
        assert_eq!(manifest.len(), 2);
        assert_eq!(manifest.size_bytes(), 7);
    }
}
