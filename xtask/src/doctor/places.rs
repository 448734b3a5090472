//! The directories that the builder writes to.

use std::fs;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};

use super::Subject;
use super::finding::{Finding, FindingState};
use base::diagnostic::Failure;
use runtime::disk_space::{self, MORE_INODES};
use runtime::store::Store;

/// Space in the store for a build from nothing: the SDK, sources, the largest trees and all results.
const STORE_WANTED_GIB: u128 = 12;
/// Files and directories in the store for a build from nothing; most are the SDK's.
const INODES_WANTED: u64 = 250_000;
/// Space for the compiled builder and the scratch directories of its tests.
const TARGET_WANTED_GIB: u128 = 4;

/// Checks that the store can be written to.
pub(super) fn store(store: Result<&Store, &dyn Failure>) -> Finding {
    const SUBJECT: Subject = "store";
    match store.map(|store| (store, store.scratch("doctor"))) {
        Ok((store, Ok(_))) => Finding::good(SUBJECT, format!("`{}`", store.root().display())),
        Ok((_, Err(error))) => Finding::failed(SUBJECT, FindingState::Lacking, &error),
        Err(failure) => Finding::failed(SUBJECT, FindingState::Lacking, failure),
    }
}

/// Checks that the signing keys can be read, or created if there are none yet.
pub(super) fn keys(keys: Result<&Path, &dyn Failure>) -> Finding {
    match keys {
        Ok(keys) => of_keys(keys),
        Err(failure) => Finding::failed("keys", FindingState::Lacking, failure),
    }
}

fn of_keys(keys: &Path) -> Finding {
    let remedy = "set KAON_KEYS to your own directory".to_owned();
    let wanted = AccessFlags::R_OK | AccessFlags::W_OK | AccessFlags::X_OK;
    let nearest = keys.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    match access(nearest, wanted) {
        Ok(()) if nearest == keys => Finding::good("keys", format!("`{}`", keys.display())),
        Ok(()) => Finding::good("keys", format!("`{}`, created when they are first needed", keys.display())),
        Err(errno) => Finding::bad(
            "keys",
            FindingState::Lacking,
            format!("`{}` cannot be used: `{}`: {}", keys.display(), nearest.display(), errno.desc()),
            remedy,
        ),
    }
}

/// Checks the space for the store.
pub(super) fn store_room(store: &Store) -> Finding {
    let remedy = format!("a first build needs {STORE_WANTED_GIB} GiB: `cargo xtask gc`, or set KAON_STORE to a larger disk");
    room("space", "the store", store.root(), STORE_WANTED_GIB, remedy)
}

/// Checks the space for cargo's output and scratch directories of tests.
pub(super) fn target_room(target: &Path) -> Finding {
    let remedy = format!("compiling and testing need {TARGET_WANTED_GIB} GiB: set CARGO_TARGET_DIR to a larger disk");
    room("target space", "cargo's target directory", target, TARGET_WANTED_GIB, remedy)
}

/// Checks the inodes of the store's file system.
pub(super) fn store_inodes(store: &Store) -> Finding {
    match nix::sys::statvfs::statvfs(store.root()) {
        Ok(status) => of_inodes(disk_space::inodes_left(&status)),
        Err(_) => Finding::bad("inodes", FindingState::Poor, "the file system of the store does not report its free inodes", None),
    }
}

fn of_inodes(left: Option<u64>) -> Finding {
    const SUBJECT: Subject = "inodes";
    match left {
        None => Finding::good(SUBJECT, "the store's file system makes them as needed"),
        Some(left) if left >= INODES_WANTED => Finding::good(SUBJECT, format!("{left} free for the store")),
        Some(left) => {
            let state = if left == 0 { FindingState::Lacking } else { FindingState::Poor };
            let detail = format!("{left} free for the store, and a build from nothing takes {INODES_WANTED}");
            Finding::bad(SUBJECT, state, detail, MORE_INODES.to_owned())
        }
    }
}

fn room(subject: &'static str, whose: &str, folder: &Path, wanted_gib: u128, remedy: String) -> Finding {
    let Ok(status) = nix::sys::statvfs::statvfs(folder) else {
        return Finding::bad(subject, FindingState::Poor, format!("the file system of {whose} does not report its free space"), None);
    };
    let free_gib = (u128::from(status.blocks_available()) * u128::from(status.fragment_size())) >> 30;
    let detail = format!("{free_gib} GiB free for {whose}");
    if free_gib >= wanted_gib { Finding::good(subject, detail) } else { Finding::bad(subject, FindingState::Poor, detail, remedy) }
}

/// Cargo's output directory, which also contains the scratch directories of tests. Created if missing.
pub(super) fn target(project: &Path) -> PathBuf {
    let given = std::env::var_os("CARGO_TARGET_DIR").filter(|value| !value.is_empty());
    let target = project.join(given.map_or_else(|| PathBuf::from("target"), PathBuf::from));
    // If this fails, the code that uses the directory reports it.
    let _ = fs::create_dir_all(&target);
    target
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_may_be_missing_but_their_place_must_be_usable() {
        let folder = tempfile::tempdir().unwrap();
        assert!(of_keys(folder.path()).detail.ends_with('`'));
        let missing = of_keys(&folder.path().join("a/b"));
        assert!(!missing.is_lack() && missing.detail.contains("created when"), "{missing}");
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        // Not even root can enter a file.
        let blocked = of_keys(&file.join("keys"));
        assert!(blocked.is_lack() && blocked.to_string().contains("KAON_KEYS"), "{blocked}");
    }

    #[test]
    fn too_few_inodes_are_told_with_a_way_out() {
        use FindingState::{Good, Lacking, Poor};
        for (left, state) in [(None, Good), (Some(INODES_WANTED), Good), (Some(10), Poor), (Some(0), Lacking)] {
            let finding = of_inodes(left);
            assert_eq!((finding.state, finding.remedy.is_some()), (state, state != Good), "{finding}");
        }
    }

    #[test]
    fn too_little_room_is_told_with_a_way_out() {
        let finding = room("space", "the store", Path::new("/"), u128::MAX, "make room".into());
        assert_eq!((finding.state, finding.remedy.as_deref()), (FindingState::Poor, Some("make room")));
        assert_eq!(room("space", "the store", Path::new("/"), 0, String::new()).state, FindingState::Good);
    }
}
