//! Removes what nothing needs.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::tally::Tally;
use super::tree::FACTS;
use super::{RemoveError, Store, StoreError, Swept, TreeState};
use base::digest::Digest;

/// The prefix of names of kept folders of failed builds.
const FAILED: &str = "failed-";

/// What is needed. Listed results are kept with everything that they refer to; everything else only if it is listed or recent.
#[derive(Debug, Default)]
pub struct Needs {
    /// Keys of results.
    pub results: BTreeSet<Digest>,
    /// Objects that no result refers to: sources.
    pub objects: BTreeSet<Digest>,
    /// Trees that are not made from an object.
    pub trees: BTreeSet<Digest>,
    /// Names of logs.
    pub logs: BTreeSet<String>,
    /// Names of kept folders of failed builds.
    pub failed: BTreeSet<String>,
}

/// What a collection removed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Collected {
    /// Results.
    pub results: Swept,
    /// Objects.
    pub objects: Swept,
    /// Trees.
    pub trees: Swept,
    /// Logs.
    pub logs: Swept,
    /// Leftovers of dead processes and failed builds.
    pub scratch: Swept,
}

/// The rules of a collection.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// Whatever was stored more recently than this is kept, even if not needed.
    pub keep: Duration,
    /// Whether to only count, without removing anything.
    pub dry_run: bool,
    /// The keys of trees that are made from an object.
    pub trees_of: &'a dyn Fn(&Digest) -> Vec<Digest>,
}

impl Collected {
    /// The sum of all kinds.
    pub fn total(&self) -> Swept {
        let parts = [self.results, self.objects, self.trees, self.logs, self.scratch];
        Swept { items: parts.iter().map(|part| part.items).sum(), bytes: parts.iter().map(|part| part.bytes).sum() }
    }
}

/// The outcome of a collection.
#[derive(Debug, Default)]
pub struct Collection {
    /// What was removed, or would be.
    pub removed: Collected,
    /// What could not be removed.
    pub stayed: Vec<RemoveError>,
}

impl Store {
    /// The name of the scratch directory in which this checkout keeps what a failed build of `spec` left.
    pub fn failed_name(&self, spec: &str) -> String {
        format!("{FAILED}{}", self.own_name(spec))
    }

    /// Removes what is not needed. The caller must have the store [`alone`](Store::alone), except for a dry run.
    ///
    /// Results are removed before the objects they refer to, and trees as a whole, so that the store is consistent after an interruption.
    /// Removing a tree begins with renaming it, which may need space; so what frees space without that is removed first.
    ///
    /// # Errors
    /// When the store cannot be read. What cannot be removed is not an error: everything else is removed, and it is listed.
    pub fn collect(&self, needs: &Needs, rules: Rules<'_>) -> Result<Collection, StoreError> {
        let mut stayed = Vec::new();
        let mut objects = needs.objects.clone();
        let results = self.unneeded_results(needs, rules, &mut objects)?;
        let kept_objects = |path: &Path| digest_of(path).is_some_and(|digest| objects.contains(&digest));
        let made: BTreeSet<Digest> = objects.iter().flat_map(|object| (rules.trees_of)(object)).collect();
        let kept_trees = |path: &Path| digest_of(path).is_some_and(|digest| needs.trees.contains(&digest) || made.contains(&digest));
        let kept_logs = |path: &Path| needs.logs.contains(&name(path));
        let is_failed_of_another = |name: &str| name.strip_prefix(FAILED).is_some_and(|name| self.is_anothers(name));
        let kept_scratch = |path: &Path| {
            let name = name(path);
            (needs.failed.contains(&name) || is_failed_of_another(&name)) && is_young(path, rules.keep)
        };

        let mut kind = |remove: &dyn Fn(&mut Tally<'_>) -> Result<(), StoreError>| {
            let mut tally = Tally { swept: Swept::default(), stayed: &mut stayed, dry_run: rules.dry_run };
            remove(&mut tally).map(|()| tally.swept)
        };
        let unneeded = |folder: &Path, is_kept: &dyn Fn(&Path) -> bool| {
            let is_unneeded = |path: &PathBuf| !is_kept(path) && !is_young(path, rules.keep);
            read(folder).map(|paths| paths.into_iter().filter(is_unneeded).collect::<Vec<_>>())
        };
        let removed = Collected {
            results: kind(&|tally| {
                results.iter().for_each(|path| tally.remove(path));
                Ok(())
            })?,
            scratch: kind(&|tally| self.sweep_but(tally, &kept_scratch))?,
            logs: kind(&|tally| {
                unneeded(&self.folder("logs"), &kept_logs)?.iter().for_each(|path| tally.remove(path));
                Ok(())
            })?,
            objects: kind(&|tally| {
                for folder in read(&self.folder("objects"))? {
                    unneeded(&folder, &kept_objects)?.iter().for_each(|path| tally.remove(path));
                }
                Ok(())
            })?,
            trees: kind(&|tally| {
                let (facts, trees): (Vec<PathBuf>, Vec<PathBuf>) =
                    read(&self.folder("trees"))?.into_iter().partition(|path| path.extension().is_some_and(|ending| ending == FACTS));
                for path in trees.iter().filter(|path| self.is_damaged(path) || !kept_trees(path) && !is_young(path, rules.keep)) {
                    tally.remove_whole(path, &self.folder("scratch").join(format!("collect-{}", name(path))));
                }
                // Recorded facts about a tree are useless without the tree, and too small to be counted.
                facts.iter().filter(|path| !path.with_extension("").exists()).for_each(|path| tally.discard(path));
                Ok(())
            })?,
        };
        if !rules.dry_run {
            stayed.extend(self.collect_locks()?);
        }
        Ok(Collection { removed, stayed })
    }

    /// The results to remove. Adds the objects that the remaining results refer to to `objects`.
    fn unneeded_results(&self, needs: &Needs, rules: Rules<'_>, objects: &mut BTreeSet<Digest>) -> Result<Vec<PathBuf>, StoreError> {
        let (kept, gone): (Vec<PathBuf>, Vec<PathBuf>) = read(&self.folder("results"))?
            .into_iter()
            .partition(|path| digest_of(path).is_some_and(|key| needs.results.contains(&key)) || is_young(path, rules.keep));
        for path in kept {
            let bytes = fs::read(&path).map_err(|source| StoreError::io("read", &path, source))?;
            // A result that cannot be read refers to nothing; it is set aside when it is needed.
            if let Ok(value) = serde_json::from_slice(&bytes) {
                mark(&value, objects);
            }
        }
        Ok(gone)
    }

    fn is_damaged(&self, tree: &Path) -> bool {
        digest_of(tree).is_some_and(|key| self.tree_state(&key) == TreeState::Damaged)
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }
}

/// The paths of a directory's entries, sorted.
pub(super) fn read(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let entries = fs::read_dir(folder).and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect());
    let mut paths: Vec<PathBuf> = entries.map_err(|source| StoreError::io("read", folder, source))?;
    paths.sort();
    Ok(paths)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The digest that an entry of the store is named by.
fn digest_of(path: &Path) -> Option<Digest> {
    name(path).trim_end_matches(".json").parse().ok()
}

/// Adds every digest in a document, whatever it means: one too many keeps an object, one too few loses it.
fn mark(value: &serde_json::Value, objects: &mut BTreeSet<Digest>) {
    match value {
        serde_json::Value::String(text) => objects.extend(text.split(' ').filter_map(|word| word.parse::<Digest>().ok())),
        serde_json::Value::Array(items) => items.iter().for_each(|item| mark(item, objects)),
        serde_json::Value::Object(fields) => fields.values().for_each(|field| mark(field, objects)),
        _ => {}
    }
}

/// Whether something was stored or renamed less than `keep` ago. Modification times are fixed, but change times are not.
fn is_young(path: &Path, keep: Duration) -> bool {
    let changed = |meta: Metadata| UNIX_EPOCH + Duration::from_secs(u64::try_from(meta.ctime()).unwrap_or(0));
    let age = fs::symlink_metadata(path).ok().map(changed).and_then(|time| SystemTime::now().duration_since(time).ok());
    age.is_none_or(|age| age < keep)
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[derive(Serialize)]
    struct Named {
        object: Digest,
    }

    const NOW: Rules<'static> = Rules { keep: Duration::ZERO, dry_run: false, trees_of: &|object| vec![Digest::of_bytes(object.hex())] };

    fn fill(store: &Store) -> [Digest; 3] {
        ["needed", "rubbish", "source"].map(|text| {
            let object = store.put_bytes(text.as_bytes()).unwrap();
            store.put_result(&Digest::of_bytes(format!("result {text}")), &Named { object }).unwrap();
            let key = Digest::of_bytes(object.hex());
            store
                .tree::<StoreError>(&key, || {}, |folder| fs::create_dir(folder.join(text)).map_err(|e| StoreError::io("x", folder, e)))
                .unwrap();
            object
        })
    }

    fn needs(source: Digest) -> Needs {
        Needs { results: [Digest::of_bytes("result needed")].into(), objects: [source].into(), ..Needs::default() }
    }

    #[test]
    fn needed_content_is_kept_and_everything_else_removed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let [needed, rubbish, source] = fill(&store);
        fs::write(store.log("old.log"), "x").unwrap();
        let counted = store.collect(&needs(source), Rules { dry_run: true, ..NOW }).unwrap().removed;
        assert!(store.object(&rubbish).is_some());
        let collected = store.collect(&needs(source), NOW).unwrap().removed;
        assert_eq!(counted, collected);
        let items = [collected.results, collected.objects, collected.trees, collected.logs].map(|part| part.items);
        assert_eq!(items, [2, 1, 1, 1]);
        assert!(store.verified(&needed).is_ok() && store.verified(&source).is_ok() && store.object(&rubbish).is_none());
        assert!(store.existing_tree(&Digest::of_bytes(needed.hex())).is_some());
        assert!(store.existing_tree(&Digest::of_bytes(rubbish.hex())).is_none());
        assert_eq!(fs::read_dir(folder.path().join("trees")).unwrap().count(), 4, "two trees and what they look like");
        assert_eq!(store.collect(&needs(source), NOW).unwrap().removed.total().items, 0);
    }

    #[test]
    fn a_damaged_tree_goes_though_it_is_needed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let [needed, _, source] = fill(&store);
        let tree = store.existing_tree(&Digest::of_bytes(needed.hex())).unwrap();
        fs::remove_dir(tree.join("needed")).unwrap();
        let rules = Rules { keep: Duration::from_secs(3600), ..NOW };
        let removed = Store::open(folder.path()).unwrap().collect(&needs(source), rules).unwrap().removed;
        assert_eq!((removed.trees.items, removed.total().items), (1, 1));
        assert!(!tree.exists());
    }

    #[test]
    fn recent_content_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let [_, _, source] = fill(&store);
        let rules = Rules { keep: Duration::from_secs(3600), ..NOW };
        assert_eq!(store.collect(&needs(source), rules).unwrap().removed, Collected::default());
    }

    #[test]
    fn failures_to_remove_stop_nothing_and_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let [_, rubbish, source] = fill(&store);
        fs::write(store.log("old.log"), "x").unwrap();
        let logs = folder.path().join("logs");
        fs::set_permissions(&logs, Permissions::from_mode(0o500)).unwrap();
        let collection = store.collect(&needs(source), NOW).unwrap();
        fs::set_permissions(&logs, Permissions::from_mode(0o700)).unwrap();
        assert!(store.object(&rubbish).is_none());
        let stayed: Vec<PathBuf> = collection.stayed.into_iter().map(|error| error.path).collect();
        // Root can remove everything.
        let expected = if nix::unistd::geteuid().is_root() { Vec::new() } else { vec![store.log("old.log")] };
        assert_eq!((collection.removed.logs.items, stayed), (u64::from(expected.is_empty()), expected));
    }

    #[test]
    fn leftovers_of_dead_builders_are_removed_whatever_their_modes() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let [dead, closed] = ["dead", "closed"].map(|label| store.scratch(label).unwrap().keep());
        let alive = store.scratch("alive").unwrap();
        fs::create_dir_all(dead.join("work/work/incompat")).unwrap();
        for path in [dead.join("work/work/incompat"), dead.join("work/work"), closed.clone()] {
            fs::set_permissions(path, Permissions::from_mode(0o000)).unwrap();
        }
        let collection = store.collect(&Needs::default(), NOW).unwrap();
        assert_eq!((collection.removed.scratch.items, collection.stayed.len()), (2, 0));
        assert!(!dead.exists() && !closed.exists() && alive.path().exists());
    }

    #[test]
    fn recent_leftovers_of_another_checkout_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let [own, other] = ["own", "other"].map(|name| store.clone().of_checkout(&folder.path().join(name)));
        for checkout in [&own, &other] {
            fs::create_dir(folder.path().join("scratch").join(checkout.failed_name("zlib"))).unwrap();
            fs::write(checkout.log("zlib.log"), "x").unwrap();
        }
        let keep = Rules { keep: Duration::from_secs(3600), ..NOW };
        let removed = own.collect(&Needs::default(), keep).unwrap().removed;
        assert_eq!((removed.scratch.items, removed.logs.items), (1, 0), "no spec of this checkout is called so");
        assert!(folder.path().join("scratch").join(other.failed_name("zlib")).exists());
        let removed = own.collect(&Needs::default(), NOW).unwrap().removed;
        assert_eq!((removed.scratch.items, removed.logs.items), (1, 2));
    }

    #[test]
    fn unused_locks_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        drop(store.lock("free", || {}).unwrap());
        let held = store.lock("held", || {}).unwrap();
        store.collect(&Needs::default(), NOW).unwrap();
        let left = || {
            let mut names: Vec<_> = read(&folder.path().join("locks")).unwrap().iter().map(|path| name(path)).collect();
            names.sort();
            names
        };
        assert_eq!(left(), ["held", "in-use"]);
        drop(held);
        store.collect(&Needs::default(), NOW).unwrap();
        assert_eq!(left(), ["in-use"]);
    }

    #[test]
    fn a_store_in_use_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (store, other) = (Store::open(folder.path()).unwrap(), Store::open(folder.path()).unwrap());
        assert!(matches!(store.alone(), Err(StoreError::InUse { .. })));
        assert!(matches!(other.alone(), Err(StoreError::InUse { .. })), "the refusal keeps the lock");
        drop(other);
        let alone = store.alone().unwrap();
        drop(alone);
        Store::open(folder.path()).unwrap();
    }
}
