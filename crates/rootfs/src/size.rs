//! Where a tree's bytes come from.

use std::collections::BTreeMap;

use super::Rootfs;

/// Stands for the package of what was made while composing.
pub const MADE_HERE: &str = "(made while composing)";

/// What one package, or one directory, takes of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The package's name, [`MADE_HERE`], or a path.
    pub name: String,
    /// The bytes of its files.
    pub bytes: u64,
}

impl Rootfs {
    /// The bytes of all files.
    pub fn size_bytes(&self) -> u64 {
        self.manifest.size_bytes()
    }

    /// What each package takes, the largest first.
    pub fn by_package(&self) -> Vec<Share> {
        let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
        for (_, entry) in self.manifest.iter() {
            *sums.entry(entry.package.as_deref().unwrap_or(MADE_HERE)).or_default() += entry.size_bytes();
        }
        largest_first(sums)
    }

    /// The largest files.
    pub fn largest_files(&self, count: usize) -> Vec<Share> {
        let mut shares = largest_first(self.manifest.iter().map(|(path, entry)| (path, entry.size_bytes())));
        shares.truncate(count);
        shares
    }
}

fn largest_first<'a>(sums: impl IntoIterator<Item = (&'a str, u64)>) -> Vec<Share> {
    let mut shares: Vec<Share> = sums.into_iter().map(|(name, bytes)| Share { name: name.to_owned(), bytes }).collect();
    shares.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
    shares
}
