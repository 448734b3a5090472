//! Checks that ARCHITECTURE.md matches the workspace: it lists every crate after those that it depends on.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use toml::Table;

use super::top;

/// A member of the workspace.
struct Member {
    /// Its directory, relative to the top.
    directory: PathBuf,
    /// The directories of members that it depends on, except for tests.
    needs: BTreeSet<PathBuf>,
}

fn members() -> Vec<Member> {
    let top = top();
    let below = |folder: &str| fs::read_dir(top.join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let folders = [below(""), below("crates"), below("specs")].concat();
    let read = |folder: &PathBuf| Some((folder.clone(), fs::read_to_string(folder.join("Cargo.toml")).ok()?.parse::<Table>().unwrap()));
    let manifests: BTreeMap<PathBuf, Table> =
        folders.iter().filter_map(read).filter(|(_, manifest)| manifest.contains_key("package")).collect();
    let relative = |path: &Path| fs::canonicalize(path).unwrap().strip_prefix(fs::canonicalize(&top).unwrap()).unwrap().to_owned();
    let member = |(folder, manifest): (&PathBuf, &Table)| {
        let tables = ["dependencies", "build-dependencies"].into_iter().filter_map(|key| manifest.get(key)?.as_table());
        let paths = tables.flat_map(Table::values).filter_map(|wish| wish.get("path")?.as_str());
        Member { directory: relative(folder), needs: paths.map(|path| relative(&folder.join(path))).collect() }
    };
    manifests.iter().map(member).collect()
}

#[test]
fn the_code_map_lists_every_crate_after_those_it_depends_on() {
    let text = fs::read_to_string(top().join("ARCHITECTURE.md")).unwrap();
    let (_, map) = text.split_once("## Code map").unwrap();
    let (map, _) = map.split_once("## Invariants").unwrap();
    let place = |directory: &Path| map.find(&format!("**`{}`**", directory.display()));
    let members = members();
    assert!(members.len() > 20, "only {} members were found", members.len());
    for member in &members {
        let Some(at) = place(&member.directory) else { panic!("ARCHITECTURE.md does not list `{}`", member.directory.display()) };
        for needed in &member.needs {
            let before = place(needed).is_some_and(|needed| needed < at);
            assert!(before, "`{}` depends on `{}`, which ARCHITECTURE.md lists after it", member.directory.display(), needed.display());
        }
    }
}
