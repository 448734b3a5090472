//! Keeping a worker's store small.

use std::time::Duration;

use runtime::store::{Needs, Rules, Store};

/// How long what was unpacked is kept. It is sent again when it is needed later.
const KEEP: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// Removes what was unpacked long ago, and what actions left that were killed, unless another action is using the store.
pub fn tidy(store: &Store) {
    // If it fails, the next action tries again; a full disk is reported by what needs the space.
    if let Ok(_alone) = store.alone() {
        let _ = store.collect(&Needs::default(), Rules { keep: KEEP, dry_run: false, trees_of: &|_| Vec::new() });
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use runtime::store::StoreError;

    use super::*;
    use base::digest::Digest;

    #[test]
    fn what_a_killed_action_left_is_removed_and_what_is_new_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let tree = store.tree::<StoreError>(&Digest::of_bytes("x"), || (), |_| Ok(())).unwrap();
        let scratch = store.root().join("scratch/action-dead");
        fs::create_dir(&scratch).unwrap();
        let other = Store::open(folder.path()).unwrap();
        tidy(&store);
        assert!(scratch.exists(), "another action uses the store");
        drop(other);
        tidy(&store);
        assert!(tree.exists() && !scratch.exists());
    }
}
