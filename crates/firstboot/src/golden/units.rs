//! Whether systemd knows what is written for it: every key of every file that the cases make.
//!
//! `tests/networkd-keys` is the list of the keys of the systemd that is packaged. For another version the list is made anew, from the files
//! that it names.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::{bundle, sorted};
use crate::understand;
use kickstart::networkd;

const KEYS: &str = include_str!("../../tests/networkd-keys");

/// Ending, section and key.
type Key = (String, String, String);

fn known() -> BTreeSet<Key> {
    let mut keys = BTreeSet::new();
    for line in KEYS.lines().filter(|line| !line.starts_with('#')) {
        let (start, names) = line.split_once("] ").unwrap();
        let (ending, section) = start.split_once(" [").unwrap();
        keys.extend(names.split(' ').map(|name| (ending.to_owned(), section.to_owned(), name.to_owned())));
    }
    keys
}

/// The keys of a file.
fn keys(file: &networkd::File) -> Vec<Key> {
    let ending = file.path.rsplit_once('.').unwrap().1;
    let mut section = String::new();
    let mut keys = Vec::new();
    for line in file.content.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            Some(name) => name.clone_into(&mut section),
            None => keys.push((ending.to_owned(), section.clone(), line.split_once('=').expect(line).0.to_owned())),
        }
    }
    keys
}

#[test]
fn systemd_knows_every_key_that_is_written() {
    let known = known();
    let mut found = BTreeSet::new();
    for folder in sorted(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")) {
        for file in understand(&bundle(&folder)).network.iter().flat_map(networkd::files) {
            for key in keys(&file) {
                assert!(known.contains(&key), "{}: {}: {key:?}", folder.display(), file.path);
                found.insert(key);
            }
        }
    }
    // The cases have all kinds of interfaces, rules, routes and tunnels.
    assert!(found.len() > 130, "only {} keys are written", found.len());
}

#[test]
fn the_list_is_that_of_the_packaged_systemd() {
    let spec = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs/systemd/package.toml")).unwrap();
    let version = spec.lines().find(|line| line.starts_with("version")).and_then(|line| line.split('"').nth(1)).unwrap();
    assert!(KEYS.contains(&format!("From systemd {version}:")), "make the list of keys again for systemd {version}");
}
