use std::fs;

use super::archive::TestArchive;
use crate::apt::{Access, IndexKind, Mirror, suite_indexes};
use runtime::cancel::Cancel;
use runtime::store::Store;

const SOURCES: &str = "main/source/Sources";
const PACKAGES: &str = "main/binary-amd64/Packages";
const BOTH: [IndexKind; 2] = [IndexKind::Sources, IndexKind::Packages];

/// The indexes of a suite, or why there are none.
fn read(archives: &[&TestArchive], suite: &str) -> Result<Option<Vec<String>>, String> {
    let folder = tempfile::tempdir().unwrap();
    let (store, cancel) = (Store::open(&folder.path().join("store")).unwrap(), Cancel::new());
    let mirrors: Vec<Mirror> = archives.iter().map(|archive| format!("file:{}", archive.folder.display()).parse().unwrap()).collect();
    let access = Access { store: &store, keyring: &archives[0].keyring(), mirrors: &mirrors, cancel: &cancel };
    suite_indexes(&access, suite, &BOTH).map_err(|error| error.to_string())
}

#[test]
fn indexes_of_source_packages_follow_the_rules_of_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let archive = TestArchive::new(&folder.path().join("debian"));
    archive.add_indexes("trixie", "", &[(SOURCES, "Package: s\n"), (PACKAGES, "Package: p\n")]);
    archive.add("half", "", "Package: p\n");
    assert_eq!(read(&[&archive], "trixie"), Ok(Some(vec!["Package: s\n".into(), "Package: p\n".into()])));
    assert_eq!(read(&[&archive], "forky"), Ok(None));
    let refusal = read(&[&archive], "half").unwrap_err();
    assert!(refusal.ends_with("the suite `half` has no index of source packages in `main`"), "{refusal}");

    fs::remove_dir_all(archive.file("trixie", "main/source/by-hash")).unwrap();
    assert!(read(&[&archive], "trixie").is_ok(), "by its name");
    fs::write(archive.file("trixie", "main/source/Sources.gz"), "other").unwrap();
    let refusal = read(&[&archive], "trixie").unwrap_err();
    assert!(refusal.contains("dists/trixie/main/source/Sources.gz does not match the signed index: expected SHA-256 "), "{refusal}");

    let stranger = TestArchive::new(&folder.path().join("stranger"));
    stranger.add("forky", "", "Package: p\n");
    let refusal = read(&[&archive, &stranger], "forky").unwrap_err();
    assert!(refusal.contains("none of the keys in the keyring signed it"), "a suite that one mirror lacks may be on another: {refusal}");
}
