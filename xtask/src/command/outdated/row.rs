//! What is shown of outdated specs: the same files once, whichever specs have them.

use base::name::PackageName;
use sdk::updates::Outdated;

/// Specs that take the same files from the archive, and what is newer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The specs; at least one.
    pub specs: Vec<PackageName>,
    /// What is newer, as for the first of them.
    pub outdated: Outdated,
}

/// Puts specs with the same files into one row, at the place of the first.
pub fn rows(all: Vec<Outdated>) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for one in all {
        match rows.iter_mut().find(|row| has_same_files(&row.outdated, &one)) {
            Some(row) => row.specs.push(one.held.spec),
            None => rows.push(Row { specs: vec![one.held.spec.clone()], outdated: one }),
        }
    }
    rows
}

fn has_same_files(one: &Outdated, other: &Outdated) -> bool {
    let facts = |of: &Outdated| (of.held.index, of.held.package.clone(), of.held.version.clone(), of.held.files.clone());
    facts(one) == facts(other) && one.found == other.found
}

impl Row {
    /// The specs as one cell of a table.
    pub fn title(&self) -> String {
        match &*self.specs {
            [] => String::new(),
            [one] => one.to_string(),
            [first, others @ ..] => format!("{first} and {} more", others.len()),
        }
    }
}
