//! Trees: unpacked directories, published as a whole.
//!
//! Next to a tree are facts about it when it was published. They are compared when a process first uses the tree: a tree is not named by
//! its content, so a missing file would otherwise appear only as a failed build.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::facts::Facts;
use super::object::sync_folder;
use super::{Store, StoreError};
use base::digest::Digest;

/// The state of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreeState {
    /// It does not exist.
    Missing,
    /// It differs from what was published.
    Damaged,
    /// It exists and is undamaged.
    Whole(PathBuf),
}

impl TreeState {
    /// The directory, if it is undamaged.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Whole(path) => Some(path),
            Self::Missing | Self::Damaged => None,
        }
    }
}

impl Store {
    /// The state of the tree with this key.
    pub fn tree_state(&self, key: &Digest) -> TreeState {
        let path = self.tree_path(key);
        if !path.is_dir() {
            return TreeState::Missing;
        }
        if self.is_whole(key, &path) { TreeState::Whole(path) } else { TreeState::Damaged }
    }

    /// The directory of the tree with this key, if it exists and is undamaged.
    pub fn existing_tree(&self, key: &Digest) -> Option<PathBuf> {
        match self.tree_state(key) {
            TreeState::Whole(path) => Some(path),
            TreeState::Missing | TreeState::Damaged => None,
        }
    }

    /// The directory of the tree with this key, created by `fill` in an empty directory if it is missing or damaged. If two processes need
    /// the same tree, only one creates it; `waiting` is called in the other.
    ///
    /// # Errors
    /// Errors of `fill`, or a store error.
    pub fn tree<E: From<StoreError>>(
        &self,
        key: &Digest,
        waiting: impl FnOnce(),
        fill: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<PathBuf, E> {
        if let Some(path) = self.existing_tree(key) {
            return Ok(path);
        }
        let _lock = self.lock(&format!("tree-{key}"), waiting)?;
        let state = self.tree_state(key);
        if let TreeState::Whole(path) = state {
            return Ok(path);
        }
        let target = self.tree_path(key);
        if state == TreeState::Damaged {
            self.notices.warn(format!("`{}` is damaged: files are missing or changed; it is created again", target.display()));
        }
        let scratch = self.scratch("tree")?;
        let filling = scratch.path().join("tree");
        fs::create_dir(&filling).map_err(|source| StoreError::io("make", &filling, source))?;
        fill(&filling)?;
        // One sync of the file system is far cheaper than one for each of the tree's thousands of files.
        File::open(&filling)
            .and_then(|folder| nix::unistd::syncfs(folder).map_err(Into::into))
            .map_err(|source| StoreError::io("sync", &filling, source))?;
        if state == TreeState::Damaged {
            fs::rename(&target, scratch.path().join("damaged")).map_err(|source| StoreError::io("replace", &target, source))?;
        }
        self.record_facts(key, &filling).map_err(|source| StoreError::io("record", &filling, source))?;
        fs::rename(&filling, &target).map_err(|source| StoreError::io("publish", &target, source))?;
        sync_folder(&self.root().join("trees"))?;
        Ok(target)
    }

    fn tree_path(&self, key: &Digest) -> PathBuf {
        self.root().join("trees").join(key.hex())
    }

    /// Whether the tree at `path` is as it was published; checked once per process.
    fn is_whole(&self, key: &Digest, path: &Path) -> bool {
        if self.whole_trees.lock().is_ok_and(|whole| whole.contains(key)) {
            return true;
        }
        let is_whole = match fs::read(self.facts_path(key)) {
            Ok(bytes) => serde_json::from_slice::<Facts>(&bytes).is_ok_and(|facts| Facts::of(path).is_ok_and(|found| found == facts)),
            // Older builders recorded nothing. If it cannot be recorded now, the next process tries again.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let _ = self.record_facts(key, path);
                true
            }
            Err(_) => false,
        };
        if is_whole && let Ok(mut whole) = self.whole_trees.lock() {
            whole.insert(*key);
        }
        is_whole
    }

    /// Records the facts about the tree of `key`, which is in `folder`.
    fn record_facts(&self, key: &Digest, folder: &Path) -> io::Result<()> {
        let facts = Facts::of(folder)?;
        let mut file = tempfile::Builder::new().prefix("facts-").tempfile_in(self.root().join("scratch"))?;
        serde_json::to_writer(&mut file, &facts)?;
        file.as_file().sync_all()?;
        file.persist(self.facts_path(key)).map(drop).map_err(|error| error.error)
    }

    fn facts_path(&self, key: &Digest) -> PathBuf {
        self.tree_path(key).with_extension(FACTS)
    }
}

/// The ending of the file with facts next to a tree.
pub(super) const FACTS: &str = "json";

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::progress::{Event, Reporter};

    #[derive(Default)]
    struct Events(Mutex<Vec<Event>>);

    impl Reporter for Events {
        fn event(&self, event: Event) {
            self.0.lock().unwrap().push(event);
        }
    }

    fn made(store: &Store, key: &Digest) -> (PathBuf, bool) {
        let mut was_filled = false;
        let fill = |folder: &Path| {
            was_filled = true;
            fs::write(folder.join("find"), "program").map_err(|source| StoreError::io("write", folder, source))
        };
        let path = store.tree::<StoreError>(key, || {}, fill).unwrap();
        (path, was_filled)
    }

    #[test]
    fn a_damaged_tree_is_found_by_the_next_process_and_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let key = Digest::of_bytes("key");
        let events = Arc::new(Events::default());
        let open = || Store::open(folder.path()).unwrap().reporting_to(events.clone());
        assert_eq!(open().tree_state(&key), TreeState::Missing);
        let (path, _) = made(&open(), &key);
        assert_eq!(made(&open(), &key), (path.clone(), false));
        assert!(events.0.lock().unwrap().is_empty());
        fs::remove_file(path.join("find")).unwrap();
        assert_eq!(open().tree_state(&key), TreeState::Damaged);
        assert_eq!(made(&open(), &key), (path.clone(), true));
        assert_eq!(fs::read(path.join("find")).unwrap(), b"program");
        let warning = format!("`{}` is damaged: files are missing or changed; it is created again", path.canonicalize().unwrap().display());
        assert_eq!(*events.0.lock().unwrap(), [Event::Warning { message: warning }]);
        assert_eq!(open().tree_state(&key), TreeState::Whole(path));
        assert_eq!(fs::read_dir(folder.path().join("scratch")).unwrap().count(), 0);
    }

    #[test]
    fn a_damaged_tree_stays_where_it_cannot_be_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let key = Digest::of_bytes("key");
        let open = || Store::open(folder.path()).unwrap();
        let (path, _) = made(&open(), &key);
        fs::write(path.join("more"), "").unwrap();
        let failed = open().tree::<StoreError>(&key, || {}, |folder| Err(StoreError::io("fill", folder, io::ErrorKind::Other.into())));
        assert!(failed.is_err() && path.join("more").exists());
        assert_eq!(open().tree_state(&key), TreeState::Damaged);
    }

    #[test]
    fn facts_about_a_tree_of_an_older_builder_are_recorded_at_first_use() {
        let folder = tempfile::tempdir().unwrap();
        let key = Digest::of_bytes("key");
        let open = || Store::open(folder.path()).unwrap();
        let (path, _) = made(&open(), &key);
        fs::remove_file(path.with_extension(FACTS)).unwrap();
        assert_eq!(open().existing_tree(&key), Some(path.clone()));
        fs::remove_file(path.join("find")).unwrap();
        assert_eq!(open().existing_tree(&key), None);
    }
}
