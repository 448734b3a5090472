//! The description of binary packages: the main one and the subpackages.

use std::collections::BTreeMap;

use super::files::{account, globs};
use super::values;
use crate::spec::{Content, Group, Subpackage, User};
use base::document::Table;
use base::name::{Dependency, PackageName};

/// The main package, which has the spec's name unless it sets `name`, from `[package]`, `[requires]`, `[user]`, `[group]` and `[units]`.
pub fn main(name: &PackageName, package: &Table<'_>, requires: Option<&Table<'_>>, top: &Table<'_>) -> Option<Content> {
    let name = package.parsed::<PackageName>("name").map_or_else(|| name.clone(), |own| own.value);
    read(name, package, requires, top)
}

/// `[subpackage.SUFFIX]` tables in the order written.
pub fn subpackages(name: &PackageName, main: Option<&Content>, top: &Table<'_>) -> Vec<Subpackage> {
    let Some(all) = top.table("subpackage") else { return Vec::new() };
    let name = main.map_or(name, |main| &main.name);
    let mut found: Vec<Subpackage> = Vec::new();
    for entry in all.entries() {
        let Some(table) = entry.table() else { continue };
        let own_name = match table.parsed::<PackageName>("name") {
            Some(own) => Some(own.value),
            None => match name.with_suffix(&entry.key.value) {
                Ok(name) => Some(name),
                Err(error) => {
                    all.problem(entry.key.span.clone(), error.to_string());
                    None
                }
            },
        };
        let requires = table.table("requires");
        let content = read(own_name.unwrap_or_else(|| name.clone()), &table, requires.as_ref(), &table);
        let files = globs(&table, "files");
        let empty_on_purpose = content.as_ref().is_some_and(|content| !content.requires.is_empty() || !content.provides.is_empty());
        if files.is_empty() && !empty_on_purpose {
            table.problem_with_hint(table.span(), "this subpackage has no files", "set `files`, or `requires` for a metapackage");
        }
        if let Some(requires) = requires {
            requires.finish();
        }
        table.finish();
        let Some(content) = content else { continue };
        let taken = found.iter().map(|sub| &sub.content.name).chain(main.map(|main| &main.name)).any(|taken| *taken == content.name);
        if taken {
            all.problem(entry.key.span.clone(), format!("this spec has two packages named `{}`", content.name));
        }
        found.push(Subpackage { content, files, is_devel: entry.key.value == "devel" });
    }
    found
}

fn read(name: PackageName, table: &Table<'_>, requires: Option<&Table<'_>>, accounts: &Table<'_>) -> Option<Content> {
    let summary = table.required_string("summary");
    if let Some(summary) = &summary
        && (summary.value.contains('\n') || summary.value.ends_with('.'))
    {
        table.problem(summary.span.clone(), "a summary must be one line without a final full stop");
    }
    let description = table.string("description").map(|text| text.value.trim().to_owned());
    let dependencies = |key: &str| requires.map(|table| values(table.parsed_list::<Dependency>(key))).unwrap_or_default();
    let (run, conflicts) = requires.map(run_and_conflicts).unwrap_or_default();
    let obsoletes = requires.map(obsoletes).unwrap_or_default();
    let (enable, disable) = units(accounts);
    let summary = summary?.value;
    Some(Content {
        name,
        description: description.unwrap_or_else(|| summary.clone()),
        summary,
        requires: run,
        recommends: dependencies("weak"),
        provides: dependencies("provides"),
        conflicts,
        obsoletes,
        users: users(accounts),
        groups: groups(accounts),
        enable,
        disable,
    })
}

/// `run` and `conflicts`: a package with one dependency in both could never be installed.
fn run_and_conflicts(requires: &Table<'_>) -> (Vec<Dependency>, Vec<Dependency>) {
    let run = values(requires.parsed_list::<Dependency>("run"));
    let conflicts = requires.parsed_list::<Dependency>("conflicts");
    for other in conflicts.iter().filter(|conflict| run.contains(&conflict.value)) {
        let message = format!("`{}` is in `run`, too, so that the package could never be installed", other.value);
        requires.problem_with_hint(other.span.clone(), message, "remove it from one of the two lists");
    }
    (run, values(conflicts))
}

/// `obsoletes`: only names of packages, as in RPM.
fn obsoletes(requires: &Table<'_>) -> Vec<Dependency> {
    let (names, others): (Vec<_>, Vec<_>) =
        requires.parsed_list::<Dependency>("obsoletes").into_iter().partition(|item| !item.value.is_found_in_files());
    for other in others {
        let message = format!("`{}` is not a package, and RPM allows only packages to be obsoleted", other.value.capability);
        requires.problem_with_hint(other.span, message, "name the package, or use `conflicts`");
    }
    values(names)
}

fn users(top: &Table<'_>) -> BTreeMap<String, User> {
    let Some(all) = top.table("user") else { return BTreeMap::new() };
    let mut users = BTreeMap::new();
    for entry in all.entries() {
        let name = account(&all, entry.key.clone());
        let Some(table) = entry.table() else { continue };
        let user = User {
            uid: number(&table, "uid"),
            group: table.string("group").and_then(|text| account(&table, text)),
            home: table.string("home").map_or_else(|| "/".into(), |text| text.value),
            shell: table.string("shell").map_or_else(|| "/usr/bin/nologin".into(), |text| text.value),
            description: table.string("description").map_or_else(String::new, |text| text.value),
            groups: table.strings("groups").into_iter().filter_map(|text| account(&table, text)).collect(),
        };
        if user.description.contains([':', '"', '\n']) {
            table.problem(table.span(), "a user's description must not contain `:`, `\"` or a line break");
        }
        table.finish();
        users.extend(name.map(|name| (name, user)));
    }
    users
}

fn groups(top: &Table<'_>) -> BTreeMap<String, Group> {
    let Some(all) = top.table("group") else { return BTreeMap::new() };
    let mut groups = BTreeMap::new();
    for entry in all.entries() {
        let name = account(&all, entry.key.clone());
        let Some(table) = entry.table() else { continue };
        let group = Group { gid: number(&table, "gid") };
        table.finish();
        groups.extend(name.map(|name| (name, group)));
    }
    groups
}

/// A fixed id of a system account: 1 to 999.
fn number(table: &Table<'_>, key: &str) -> Option<u32> {
    table.integer(key, 1..=999).and_then(|number| u32::try_from(number.value).ok())
}

fn units(top: &Table<'_>) -> (Vec<String>, Vec<String>) {
    let Some(table) = top.table("units") else { return (Vec::new(), Vec::new()) };
    let suffixes = [".service", ".socket", ".timer", ".target", ".path", ".mount", ".automount", ".swap", ".slice"];
    let list = |key: &str| {
        let mut names = Vec::new();
        for unit in table.strings(key) {
            if suffixes.iter().any(|suffix| unit.value.ends_with(suffix)) && !unit.value.contains(['/', ' ']) {
                names.push(unit);
            } else {
                table.problem_with_hint(unit.span, format!("`{}` is not a unit name", unit.value), "write it in full: `docker.service`");
            }
        }
        names
    };
    let (enable, disable) = (list("enable"), list("disable"));
    for unit in disable.iter().filter(|unit| enable.iter().any(|enabled| enabled.value == unit.value)) {
        table.problem_with_hint(unit.span.clone(), format!("`{}` is in `enable`, too", unit.value), "remove it from one of the two lists");
    }
    table.finish();
    (values(enable), values(disable))
}
