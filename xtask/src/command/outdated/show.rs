//! How outdated specs are shown.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::row::Row;
use crate::cli::{Cell, Tone};
use base::name::PackageName;
use sdk::apt::Suite;
use sdk::updates::{Content, Found, Held, Scope};

/// What is shown.
pub struct Shown<'a> {
    /// What is outdated.
    pub rows: &'a [Row],
    /// The suites that were read.
    pub suites: &'a [Suite],
    /// Which updates count.
    pub scope: Scope,
    /// How many specs were compared.
    pub compared_specs: usize,
    /// What they have of packages that no suite lists.
    pub unlisted: &'a [Held],
    /// The specs that were not, because all their sources have addresses only.
    pub own_addresses: &'a [PackageName],
    /// Specs of which one cannot be raised without the others.
    pub together: &'a BTreeSet<BTreeSet<PackageName>>,
}

const TITLES: [&str; 7] = ["SPEC", "SOURCE", "HERE", "ARCHIVE", "SUITE", "", ""];

impl Shown<'_> {
    fn found(&self) -> impl Iterator<Item = (&Row, &Found)> {
        self.rows.iter().flat_map(|row| row.outdated.found.iter().map(move |found| (row, found)))
    }

    /// The rows of the table, with titles; none if nothing is outdated.
    pub fn table(&self) -> Vec<Vec<Cell>> {
        let titles = TITLES.iter().map(|title| Cell::new(Tone::Title, *title)).collect();
        let rows = self.found().map(|(row, found)| cells(row, found));
        if self.rows.is_empty() { Vec::new() } else { std::iter::once(titles).chain(rows).collect() }
    }

    /// What follows the table.
    pub fn last_lines(&self) -> String {
        let mut text = String::new();
        if self.rows.is_empty() {
            let what = match self.scope {
                Scope::All => "nothing newer",
                Scope::Security => "no security update",
            };
            // Writing to a string cannot fail.
            let _ = match self.compared_specs {
                0 => writeln!(text, "nothing to compare: no source of these specs is in the Debian archive"),
                count => writeln!(text, "{what} in {}: {} compared", names(self.suites), specs(count)),
            };
        }
        for Held { spec, package, .. } in self.unlisted {
            let _ = writeln!(
                text,
                "{spec}: no suite that was read has a package `{package}`, so nothing newer can be seen: was it misspelled, renamed or removed, or is it in another suite (`--suite`)?"
            );
        }
        if self.found().any(|(_, found)| found.obstacle.is_none() && found.update.content == Content::SameFiles) {
            text.push_str(
                "same files: what is new is in others, such as Debian's patches (`.debian.tar`), and is not built until the spec takes them\n",
            );
        }
        for specs in self.together {
            let (first, all) = (specs.first().map_or("", |name| name.as_str()), specs.iter().collect::<Vec<_>>());
            let _ = writeln!(text, "{} have one version: `cargo xtask bump {first} --together` raises all of them", names(&all));
        }
        if !self.own_addresses.is_empty() {
            let (count, names) = (self.own_addresses.len(), names(self.own_addresses));
            let have = if count == 1 { "has only addresses of its own" } else { "have only addresses of their own" };
            let _ = writeln!(text, "{} {have}: {names}", specs(count));
        }
        text
    }

    /// The same as a document.
    pub fn document(&self) -> Value {
        let rows: Vec<Value> = self.found().map(|(row, found)| object(row, found)).collect();
        let unlisted: Vec<Value> = self.unlisted.iter().map(|held| json!({ "spec": held.spec, "package": held.package })).collect();
        json!({
            "unlisted": unlisted, "suites": self.suites, "compared": self.compared_specs, "outdated": rows, "own-addresses": self.own_addresses,
        })
    }
}

fn cells(row: &Row, found: &Found) -> Vec<Cell> {
    let (held, update) = (&row.outdated.held, &found.update);
    let security = if update.is_security() { Cell::new(Tone::Urgent, "security") } else { Cell::plain("") };
    let state = match (&found.obstacle, update.content) {
        (None, Content::NewFiles) => Cell::new(Tone::Good, "can be fetched"),
        (None, Content::SameFiles) => Cell::new(Tone::Poor, "same files"),
        (Some(obstacle), _) => Cell::new(Tone::Poor, obstacle.to_string()),
    };
    vec![
        Cell::plain(row.title()),
        Cell::plain(&*held.source),
        Cell::plain(&*held.version),
        Cell::plain(&*update.version),
        Cell::plain(names(&update.suites)),
        security,
        state,
    ]
}

fn object(row: &Row, found: &Found) -> Value {
    let (held, update) = (&row.outdated.held, &found.update);
    json!({
        "spec": held.spec, "specs": row.specs, "source": held.source, "package": held.package, "version": held.version, "newer": update.version,
        "suites": update.suites, "security": update.is_security(), "can-be-fetched": found.obstacle.is_none(),
        "obstacle": found.obstacle.as_ref().map(ToString::to_string), "same-files": update.content == Content::SameFiles,
    })
}

fn specs(count: usize) -> String {
    if count == 1 { "1 spec".to_owned() } else { format!("{count} specs") }
}

fn names(all: &[impl ToString]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
