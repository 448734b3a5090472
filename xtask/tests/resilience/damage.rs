//! A disk that returns other bytes than were written.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::project::{Project, check_store, files, flip_a_byte, text};

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_damaged_source_is_fetched_anew_and_a_damaged_mirror_is_named() {
    let project = Project::new();
    let store = project.store("store");
    let sound = project.build(&store);
    let mirror = project.path("mirror/lib-1.tar");
    let digest = base::digest::Digest::of_file(&mirror).unwrap();
    let stored = object(&store, &digest.hex());

    flip_a_byte(&stored);
    forget_results(&store);
    assert_eq!(project.build(&store), sound);
    check_store(&store);

    flip_a_byte(&stored);
    flip_a_byte(&mirror);
    forget_results(&store);
    let output = project.run(&store, &["build"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&digest.hex()) && said.contains("lib-1.tar"), "{said}");
    assert!(!stored.exists(), "the wrong bytes are no object");
    check_store(&store);
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_damaged_package_is_named_and_built_anew() {
    let project = Project::new();
    let store = project.store("store");
    let sound = project.build(&store);
    let damaged = object(&store, &sound["lib"]);
    flip_a_byte(&damaged);
    fs::remove_dir_all(store.join("trees")).unwrap();
    project.store("store");
    forget(&store, &sound["app"]);
    let output = project.run(&store, &["build"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&sound["lib"]) && said.contains("hint: "), "{said}");
    assert_eq!(project.build(&store), sound);
    check_store(&store);
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn damage_never_reaches_a_repository() {
    let project = Project::new();
    let store = project.store("store");
    let sound = project.build(&store);
    let write = |name: &str| project.run(&store, &["repo", "--output", name]);
    assert!(write("first").status.success());
    let first = files(&project.path("first"));

    // The signed copy: it is made again from what was built.
    let name = first.keys().find(|path| path.to_str().unwrap().contains("lib-1-1")).unwrap().clone();
    let signed = object(&store, &base::digest::Digest::of_bytes(&first[&name]).hex());
    flip_a_byte(&signed);
    fs::remove_dir_all(project.path("first")).unwrap();
    assert!(write("second").status.success());
    assert_same(&files(&project.path("second")), &first);

    // Both copies: it is reported, and built again by the next run.
    flip_a_byte(&signed);
    flip_a_byte(&object(&store, &sound["lib"]));
    fs::remove_dir_all(project.path("second")).unwrap();
    let output = write("third");
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&sound["lib"]), "{said}");
    assert!(!project.path("third").exists());
    assert!(write("third").status.success());
    assert_same(&files(&project.path("third")), &first);
}

fn assert_same(left: &BTreeMap<PathBuf, Vec<u8>>, right: &BTreeMap<PathBuf, Vec<u8>>) {
    assert_eq!(left.keys().collect::<Vec<_>>(), right.keys().collect::<Vec<_>>());
    for (path, content) in left {
        assert!(right[path] == *content, "{} differs", path.display());
    }
}

pub fn object(store: &Path, digest: &str) -> PathBuf {
    store.join("objects").join(&digest[..2]).join(digest)
}

fn forget_results(store: &Path) {
    files(&store.join("results")).into_keys().for_each(|name| fs::remove_file(store.join("results").join(name)).unwrap());
}

/// Removes the result with a package.
fn forget(store: &Path, package: &str) {
    let naming = |content: &[u8]| text(content).contains(&format!("\"object\": \"{package}\""));
    let found: Vec<PathBuf> =
        files(&store.join("results")).into_iter().filter(|(_, content)| naming(content)).map(|(name, _)| name).collect();
    assert_eq!(found.len(), 1);
    fs::remove_file(store.join("results").join(&found[0])).unwrap();
}
