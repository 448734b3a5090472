//! Checks that programs of the project's crates are packaged with the crates' version.

use std::fs;
use std::path::Path;

use toml::{Table, Value};

use super::top;

fn read(path: &Path) -> Option<Table> {
    Some(fs::read_to_string(path).ok()?.parse().unwrap())
}

fn value<'t>(table: &'t Table, path: &[&str]) -> Option<&'t Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(table.get(*first)?, |value, key| value.get(key))
}

#[test]
fn packages_of_own_crates_have_their_version() {
    let workspace = read(&top().join("Cargo.toml")).unwrap();
    let mut compared = 0;
    for folder in fs::read_dir(top().join("specs")).unwrap().map(|entry| entry.unwrap().path()) {
        let Some(spec) = read(&folder.join("package.toml")) else { continue };
        let own = read(&folder.join("Cargo.toml"));
        let crates = match &own {
            Some(manifest) => value(manifest, &["package", "version"]),
            None if value(&spec, &["build", "cargo", "members"]).is_some() => value(&workspace, &["workspace", "package", "version"]),
            None => continue,
        };
        assert_eq!(value(&spec, &["package", "version"]), crates, "{}", folder.display());
        compared += 1;
    }
    assert!(compared >= 2, "only {compared} specs of own crates were found");
}
