//! How outdated specs are shown.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::cli::{Cell, Tone};
use base::name::PackageName;
use sdk::apt::Suite;
use sdk::updates::{Content, Found, Held, Outdated, Scope};

/// What is shown.
pub struct Shown<'a> {
    /// What is outdated.
    pub outdated: &'a [Outdated],
    /// The suites that were read.
    pub suites: &'a [Suite],
    /// Which updates count.
    pub scope: Scope,
    /// How many specs were compared.
    pub compared_specs: usize,
    /// The specs that were not, because all their sources have addresses only.
    pub own_addresses: &'a [PackageName],
}

const TITLES: [&str; 7] = ["SPEC", "SOURCE", "HERE", "ARCHIVE", "SUITE", "", ""];

impl Shown<'_> {
    fn found(&self) -> impl Iterator<Item = (&Held, &Found)> {
        self.outdated.iter().flat_map(|one| one.found.iter().map(|found| (&one.held, found)))
    }

    /// The rows of the table, with titles; none if nothing is outdated.
    pub fn rows(&self) -> Vec<Vec<Cell>> {
        let titles = TITLES.iter().map(|title| Cell::new(Tone::Title, *title)).collect();
        let rows = self.found().map(|(held, found)| row(held, found));
        if self.outdated.is_empty() { Vec::new() } else { std::iter::once(titles).chain(rows).collect() }
    }

    /// What follows the table.
    pub fn last_lines(&self) -> String {
        let mut text = String::new();
        if self.outdated.is_empty() {
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
        if self.found().any(|(_, found)| found.obstacle.is_none() && found.update.content == Content::SameFiles) {
            text.push_str(
                "same files: what is new is in others, such as Debian's patches (`.debian.tar`), and is not built until the spec takes them\n",
            );
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
        let rows: Vec<Value> = self.found().map(|(held, found)| object(held, found)).collect();
        json!({
            "suites": self.suites, "compared": self.compared_specs, "outdated": rows, "own-addresses": self.own_addresses,
        })
    }
}

fn row(held: &Held, found: &Found) -> Vec<Cell> {
    let update = &found.update;
    let security = if update.is_security() { Cell::new(Tone::Urgent, "security") } else { Cell::plain("") };
    let state = match (&found.obstacle, update.content) {
        (None, Content::NewFiles) => Cell::new(Tone::Good, "can be fetched"),
        (None, Content::SameFiles) => Cell::new(Tone::Poor, "same files"),
        (Some(obstacle), _) => Cell::new(Tone::Poor, obstacle.to_string()),
    };
    vec![
        Cell::plain(held.spec.as_str()),
        Cell::plain(&*held.source),
        Cell::plain(&*held.version),
        Cell::plain(&*update.version),
        Cell::plain(names(&update.suites)),
        security,
        state,
    ]
}

fn object(held: &Held, found: &Found) -> Value {
    let update = &found.update;
    json!({
        "spec": held.spec, "source": held.source, "package": held.package, "version": held.version, "newer": update.version,
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
