//! The parts of a store that belong to one checkout: logs and folders of failed builds. Everything else is named by content, and shared.

use std::path::{Path, PathBuf};

use super::Store;
use base::digest::Digest;

/// A prefix for names of what belongs to a checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark(String);

impl Mark {
    /// The mark of the checkout whose top folder is `root`: derived from its path, so that it is the same in every run.
    fn of(root: &Path) -> Self {
        let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        Self(Digest::of_bytes(root.as_os_str().as_encoded_bytes()).short())
    }

    /// The mark at the beginning of `name`, if there is one.
    fn read(name: &str) -> Option<Self> {
        let (mark, _) = name.split_once('-')?;
        let is_mark =
            mark.len() == Digest::of_bytes([]).short().len() && mark.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_mark.then(|| Self(mark.to_owned()))
    }
}

impl Store {
    /// The same store, for the checkout whose top folder is `root`.
    pub fn of_checkout(self, root: &Path) -> Self {
        Self { checkout: Some(Mark::of(root)), ..self }
    }

    /// `name` with this checkout's mark.
    pub fn own_name(&self, name: &str) -> String {
        self.checkout.as_ref().map_or_else(|| name.to_owned(), |Mark(mark)| format!("{mark}-{name}"))
    }

    /// The path of this checkout's log `name`.
    pub fn log(&self, name: &str) -> PathBuf {
        self.root().join("logs").join(self.own_name(name))
    }

    /// Whether `name` has the mark of another checkout.
    pub(super) fn is_anothers(&self, name: &str) -> bool {
        Mark::read(name).is_some_and(|mark| self.checkout.as_ref() != Some(&mark))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_checkout_has_names_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        let [first, second] = ["first", "second"].map(|name| folder.path().join(name));
        std::fs::create_dir(&first).unwrap();
        std::os::unix::fs::symlink(&first, folder.path().join("link")).unwrap();
        let own = |root: &Path| store.clone().of_checkout(root).own_name("zlib");
        assert_eq!(own(&first), own(&folder.path().join("link")));
        assert_ne!(own(&first), own(&second));
        assert_eq!(store.own_name("zlib"), "zlib");
        let anothers = |root: &Path, name: &str| store.clone().of_checkout(root).is_anothers(name);
        assert!(anothers(&second, &own(&first)) && !anothers(&first, &own(&first)));
        assert!(!anothers(&first, "zlib") && !anothers(&first, "x86-64-v3"));
    }
}
