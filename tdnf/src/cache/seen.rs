//! What was seen of each repository, so that it never goes back.
//!
//! An old index with its old signature is a perfect one; only a record shows that a mirror is outdated or that an attacker hides updates.

use std::fs;
use std::path::{Path, PathBuf};

use super::{CacheError, io_at, publish};
use rpm_engine::repo::Repomd;

/// The newest state seen of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Seen {
    revision: String,
    timestamp: u64,
}

impl Seen {
    fn of(repomd: &Repomd) -> Self {
        Self { revision: repomd.revision.clone(), timestamp: repomd.timestamp() }
    }

    /// Whether this is a state from before `other`. Revisions that are no numbers say nothing.
    fn is_before(&self, other: &Self) -> bool {
        let revisions = self.revision.parse::<u64>().ok().zip(other.revision.parse::<u64>().ok());
        revisions.is_some_and(|(this, other)| this < other) || (self.timestamp > 0 && self.timestamp < other.timestamp)
    }
}

fn record(persistent: &Path, folder: &str) -> PathBuf {
    persistent.join("seen").join(folder)
}

/// Refuses an index from before the newest seen of the repository kept in `folder`.
pub(super) fn check(persistent: &Path, folder: &str, id: &str, repomd: &Repomd) -> Result<(), CacheError> {
    let record = record(persistent, folder);
    let Ok(text) = fs::read_to_string(&record) else { return Ok(()) };
    let mut lines = text.lines();
    let revision = lines.next().unwrap_or_default().to_owned();
    let seen = Seen { revision, timestamp: lines.next().and_then(|line| line.parse().ok()).unwrap_or(0) };
    let found = Seen::of(repomd);
    if found.is_before(&seen) {
        return Err(CacheError::Older { id: id.to_owned(), found: found.revision, seen: seen.revision, record });
    }
    Ok(())
}

/// Remembers an index.
pub(super) fn remember(persistent: &Path, folder: &str, repomd: &Repomd) -> Result<(), CacheError> {
    let record = record(persistent, folder);
    let parent = persistent.join("seen");
    fs::create_dir_all(&parent).map_err(io_at(&parent))?;
    let seen = Seen::of(repomd);
    publish(&record, format!("{}\n{}\n", seen.revision, seen.timestamp).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn going_back() {
        let seen = |revision: &str, timestamp| Seen { revision: revision.into(), timestamp };
        let table = [
            (seen("5", 100), seen("5", 100), false),
            (seen("4", 100), seen("5", 100), true),
            (seen("6", 90), seen("5", 100), true),
            (seen("10", 110), seen("9", 100), false),
            (seen("abc", 100), seen("abd", 100), false),
            (seen("abc", 99), seen("abd", 100), true),
            (seen("", 0), seen("5", 100), false),
        ];
        for (found, seen, expected) in table {
            assert_eq!(found.is_before(&seen), expected, "{found:?} after {seen:?}");
        }
    }
}
